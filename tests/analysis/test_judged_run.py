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
from moerae.report.masking import masking


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


def test_replies_are_removed_once_they_are_judged(run: Path, tmp_path: Path) -> None:
    """evaluate.keep = labels, the default where the study says nothing else."""
    copy = tmp_path / "run"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("evaluate*", "manifest.jsonl"))
    listed = (run / "manifest.jsonl").read_text().splitlines(keepends=True)
    (copy / "manifest.jsonl").write_text("".join(line for line in listed if '"evaluate' not in line))
    study = f"evaluate {support.ROOT / 'jobs/planted.ini'}"
    keys = {"run.dir": copy, "evaluate.keep": "labels", "evaluate.sets": "regular", "evaluate.conditions": "none"}
    support.moerae(study, keys)
    before = open_run(copy).conditions["evaluate/none"].replies
    assert main(["judge", str(copy), "--judge", "exact"]) == 0
    none = open_run(copy).conditions["evaluate/none"]
    with pytest.raises(DataError, match="removed once they were judged"):
        none.replies  # noqa: B018
    for path in none.shards:
        with h5py.File(path) as file:
            assert not file["reply/tokens"][()].any()
            assert file["reply/tokens"].shape[0] == file["reply/offset"][-1] > 0
            first = before.loc[file["prompt_id"][0], "tokens"]
        assert np.array(first, np.uint32).tobytes() not in path.read_bytes()
    support.moerae("verify", {"run.dir": copy})
    assert "nothing to do" in support.moerae(study, keys).err
    assert main(["judge", str(copy), "--judge", "rules"]) == support.DATA
    # what comes later is judged by the same judge, beside the labels that are there
    keys |= {"evaluate.conditions": "mask:template_gate-regular-vs-permitted-and-lookalike@6"}
    assert "0 of these replies were kept" in support.moerae(study, keys).err
    assert main(["judge", str(copy), "--judge", "exact"]) == 0
    assert len(open_run(copy).refusal) == 2


def test_texts_are_kept_on_request(run: Path, tmp_path: Path) -> None:
    study = f"evaluate {support.ROOT / 'jobs/planted.ini'}"
    keys = {"evaluate.keep": "text", "evaluate.sets": "regular", "evaluate.conditions": "none"}
    support.moerae(study, keys | {"run.dir": tmp_path / "run"})
    assert main(["judge", str(tmp_path / "run"), "--judge", "exact"]) == 0
    with h5py.File(tmp_path / "run/evaluate/none/labels.h5") as file:
        texts = file["text"].asstr()[()]
        assert len(texts) == len(file["label"]) and all(texts)
    assert len(open_run(tmp_path / "run").conditions["evaluate/none"].replies) == len(texts)


def test_groups_by_outcome_need_no_second_recording(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    study = support.ROOT / "jobs/planted.ini"
    groups = {"contrast.groups": "jailbreak@complied:jailbreak@refused", "contrast.permutations": 200}
    groups |= {"contrast.criteria": "risk_difference, jailbreak_gap", "reduce.controls": 0, "run.dir": copy}
    refused = support.moerae(f"reduce {study}", groups, code=support.CONFIG)
    support.assert_one_error(refused, ["jailbreak@...", "evaluate.split = discovery", "moerae judge"])
    asked = {"run.dir": copy, "evaluate.split": "discovery", "evaluate.conditions": "none"}
    support.moerae(f"evaluate {study}", asked | {"evaluate.sets": "regular, jailbreak"}, ranks=2)
    refused = support.moerae(f"reduce {study}", groups, code=support.CONFIG)
    support.assert_one_error(refused, ["labels.h5", "not judged"])
    assert main(["judge", str(copy), "--judge", "exact"]) == 0
    other = {"contrast.groups": "permitted@refused:permitted@complied"}
    refused = support.moerae(f"reduce {study}", groups | other, code=support.CONFIG)
    support.assert_one_error(refused, ["of permitted in the discovery split have no label", "evaluate.sets"])
    support.moerae(f"reduce {study}", groups, ranks=2)

    opened = open_run(copy, reduce=next(path.name for path in copy.glob("reduce-*")))
    labels = read_labels(next(path.parent for path in copy.glob("evaluate-*/none/labels.h5")))
    used = opened.load_usage(["jailbreak"])
    used = used.sel(prompt=used["split"] == "discovery")
    rate = {}
    for outcome, words in (("refused", ["refusal", "partial"]), ("complied", ["compliance"])):
        of = used.sel(prompt=[p for p in used.prompt.values if labels[p] in words]).sel(
            {"class": ["prompt", "response"]}
        )
        of = of.sum(["prompt", "class"])
        assert of["tokens"] > 0
        rate[outcome] = (of["count"] / of["tokens"]).values
    found = opened.contrast("risk_difference", "jailbreak@complied:jailbreak@refused")["score"].values
    assert np.abs(found - (rate["complied"] - rate["refused"])).max() < 1e-12
    gap = opened.contrast("jailbreak_gap", "jailbreak@complied:jailbreak@refused")["score"].values
    assert (gap == np.where(np.abs(found) > 0.05, found, 0)).all() and (gap != 0).any()
    assert "jailbreak_gap-jailbreak.complied-vs-jailbreak.refused" in opened.expert_sets
    assert masking(copy).split == "validation"  # replies to discovery are no evaluation


def test_labels_of_two_judges_are_not_compared(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    write_labels(copy, copy / "evaluate/none", read_labels(copy / "evaluate/none"), {"judge": "x", "judge_hash": "y"})
    with pytest.raises(DataError, match="labels of several judges"):
        summaries(copy)
