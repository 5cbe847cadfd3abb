"""A run from recording to verdict: what masking the found experts of the planted model does, and who reads it."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import support
from moerae.__main__ import main
from moerae.errors import DataError
from moerae.files.labels import read_labels, write_labels
from moerae.reader import open_run
from moerae.refusal.summary import summaries


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted model with the set that template_gate finds masked, and two controls."""
    run = tmp_path_factory.mktemp("run")
    found = "template_gate-regular-vs-permitted-and-lookalike"
    study = support.ROOT / "jobs/planted.ini"
    keys = {"run.dir": run, "contrast.permutations": 0, "reduce.controls": 2, "evaluate.controls": 2}
    keys |= {"evaluate.conditions": f"mask:{found},mask:{found}@1", "evaluate.max_new_tokens": 9}
    for stage in ("record", "reduce", "evaluate"):
        support.moerae(f"{stage} {study}", keys, ranks=2)
    assert main(["judge", str(run), "--judge", "exact"]) == 0
    return run


def test_masking_the_found_experts_ends_refusal(run: Path) -> None:
    table = pd.read_csv(run / "evaluate/summary.csv", keep_default_na=False, na_values=[""])
    own = table[table["control"].isna()].set_index(["condition", "set"])
    mask = next(name for name in own.index.get_level_values(0) if name != "none" and "@" not in name)
    refused = own.loc[(mask, "regular")]
    assert own.loc[("none", "regular"), "rate"] > 0.95
    assert refused["drop"] > 0.9
    assert refused["drop_low"] > 0.9
    assert (
        refused["lost_complied"] + refused["lost_broken"] + refused["lost_other"] == refused["n"] - refused["refused"]
    )
    assert refused["controls"] == 2
    assert refused["p"] == pytest.approx(1 / 3)
    assert refused["control_most"] < 0.4
    assert refused["excess"] == pytest.approx(refused["drop"] - refused["control_drop"], abs=1e-5)
    assert refused["excess_low"] < refused["excess"] < refused["excess_high"]
    assert refused["doses"] == "1 6"
    assert refused["p_trend"] < 1e-6
    assert own["doses"].notna().sum() == own.index.get_level_values(1).nunique()  # one line for each prompt set
    assert np.isnan(own.loc[(f"{mask}@1", "regular"), "p"])
    assert (own["split"] == "validation").all()
    assert (own[["refused", "complied", "broken", "other"]].sum(axis=1) == own["n"]).all()


def test_the_reader_has_replies_and_refusal(run: Path) -> None:
    opened = open_run(run)
    table = opened.refusal
    assert set(table["control"]) >= {"", "000 matched", "001 matched"}
    base = table[(table["condition"] == "none") & (table["set"] == "regular")]
    assert base["refused"].item() == base["n"].item() == 154
    none = opened.conditions["evaluate/none"]
    assert none.about["text"] == "none"
    assert len(none.replies) == table[table["condition"] == "none"]["n"].sum()
    assert set(none.replies["finish"]) <= {"stop", "length"}


def test_the_report_answers_first(run: Path, tmp_path: Path) -> None:
    assert main(["report", str(run), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "index.html").read_text()
    answer = page.index("the model refuses 0 % of the 154 held-out prompts of regular, 100 % without")
    assert answer < page.index("Its 2 matched random sets") < page.index("Verdict: not decided") < page.index("<dl>")
    assert "Changing 1 and 6 experts of mask:template_gate" in page
    assert list((tmp_path / "figures").glob("*-masking.png"))


def test_labels_say_who_judged_and_verify_knows_them(run: Path) -> None:
    labels = read_labels(run / "evaluate/none")
    assert labels.attrs["judge"] == "exact"
    with h5py.File(run / "corpus.h5") as file:
        assert len(labels) == int((file["split"][()] == 1).sum())
    said = support.moerae("verify", {"run.dir": run})
    assert "stranger" not in said.err + said.out


def test_labels_of_two_judges_are_not_compared(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    write_labels(copy, copy / "evaluate/none", read_labels(copy / "evaluate/none"), {"judge": "x", "judge_hash": "y"})
    with pytest.raises(DataError, match="labels of several judges"):
        summaries(copy)
