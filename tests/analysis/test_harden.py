"""`python -m moerae harden`: every arm at one budget, beside the model as it is; repeated it goes on; faults."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import support
from moerae.__main__ import main
from moerae.harden.drift import drift
from moerae.reader import open_run

PLANTED = support.ROOT / "data/planted/base"
SET = "template_gate-regular-vs-permitted-and-lookalike"
STUDY = f"""
[run]
dir = run
[model]
path = {PLANTED}
dtype = float32
[corpus]
path = {PLANTED}/corpus.h5
[ses]
regular = regular
jailbreak = jailbreak
benign = permitted
[contrast]
groups = regular:permitted/lookalike
criteria = template_gate
count = 6
permutations = 0
[tune]
set = {SET}
sets = jailbreak
hold_out = unseen-a, unseen-b
retain_sets = permitted, lookalike
learning_rate = 0.01
steps = 6
batch_tokens = 1500
[evaluate]
max_new_tokens = 10
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    path = folder / "study.ini"
    path.write_text(STUDY)
    for stage in ("record", "reduce"):
        support.moerae(f"{stage} {path}", {})
    return path


@pytest.fixture(scope="module")
def hardened(study: Path) -> Path:
    out = study.parent / "out"
    words = ["harden", str(study), "--out", str(out), "--controls", "1", "--also", "used", "--launch"]
    assert main([*words, "mpirun -n 2 --bind-to none"]) == 0
    return out


def test_every_arm_is_beside_the_model_as_it_is(hardened: Path, capsys: pytest.CaptureFixture) -> None:
    table = pd.read_csv(hardened / "harden.csv", keep_default_na=False, na_values=[""])
    assert list(table["arm"].unique()) == ["base", "chosen", "control-0", "used"]
    plain = table[table["masked"] == "none"].set_index(["arm", "set"])
    assert plain["n"].groupby("set").first().to_dict() == {
        "jailbreak": 122, "jailbreak/held out": 32, "lookalike": 154, "permitted": 154, "regular": 154,
    }  # fmt: skip
    before, after = plain.loc[("base", "jailbreak")], plain.loc[("chosen", "jailbreak")]
    assert after["change"] == pytest.approx(after["rate"] - before["rate"])
    assert after["change_low"] > 0.1 and after["change_low"] <= after["change"] <= after["change_high"]
    for name in ("permitted", "lookalike"):
        assert plain.loc[("chosen", name)]["rate"] < 0.02 and plain.loc[("chosen", name)]["complied"] > 0.98
    assert (plain.loc["chosen"]["drift_js"].drop("jailbreak/held out") > 0).all() and plain.loc["base"][
        "drift_js"
    ].isna().all()
    assert (plain.loc["control-0"]["loss_last"] < plain.loc["control-0"]["loss_first"]).all()
    # what was concentrated stays so: masking the tuned experts ends refusal as it did before
    masked = table[table["masked"] != "none"].set_index(["arm", "masked", "set"])["rate"]
    assert masked["base", "chosen", "regular"] == 0 and masked["chosen", "chosen", "regular"] < 0.1
    assert ("chosen", "again", "regular") in masked.index
    for arm in ("base", "chosen", "used"):
        support.moerae("verify", {"run.dir": hardened / arm})


def test_repeated_nothing_is_computed(study: Path, hardened: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in hardened.rglob("*.h5") if path.name != "labels.h5"}
    assert main(["harden", str(study), "--out", str(hardened), "--controls", "1", "--also", "used"]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_drift_of_a_model_from_itself_is_none(hardened: Path) -> None:
    base = open_run(hardened / "base")
    for found in drift(base, base).values():
        assert found["drift_js"] == 0 and found["overlap"] == 1 and 0 < found["floor_js"] < 0.05


def test_arms_are_of_the_same_size_and_the_used_ones_are_the_most_used(hardened: Path) -> None:
    sets = {path.stem: json.loads(path.read_text())["experts"] for path in (hardened / "sets").glob("*.json")}
    assert {name: len(experts) for name, experts in sets.items()} == {"chosen": 6, "control-0": 6, "used": 6}
    count = open_run(hardened / "base").usage["count"].sum(["prompt", "class"]).values
    used = [count[e["layer"], e["expert"]] for e in sets["used"]]
    assert used == sorted(count.reshape(-1), reverse=True)[:6]
    assert not {(e["layer"], e["expert"]) for e in sets["control-0"]} & {
        (e["layer"], e["expert"]) for e in sets["chosen"]
    }
    assert np.isfinite([e["score"] for e in sets["used"]]).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--also", "zebra"], "--also zebra"),
        (["--controls", "99"], "--controls 99"),
        (["--controls", "-1"], "--controls"),
    ],
)
def test_faults_are_named(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture, words: list[str], said: str
) -> None:
    assert main(["harden", str(study), "--out", str(tmp_path / "out"), *words]) == support.CONFIG
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out/base").exists()


def test_a_study_without_a_set_is_refused(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    other = tmp_path / "study.ini"
    other.write_text(STUDY.replace(f"set = {SET}\n", "").replace("dir = run", f"dir = {study.parent / 'run'}"))
    assert main(["harden", str(other), "--out", str(tmp_path / "out")]) == support.CONFIG
    assert "tune.set" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
