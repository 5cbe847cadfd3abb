"""The report: metrics against values known by hand, and a page that stands alone."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from made_run import DECOY, PLANTED, SETS, add_scores, made_run, truth
from moerae import open_run
from moerae.__main__ import main
from moerae.criteria import Criterion, criteria
from moerae.report.truth import auroc, average_precision, evaluate, precision, read_truth, spearman
from scipy import stats

IN_SAMPLE = "IN-SAMPLE (discovery)"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return add_scores(made_run(tmp_path_factory.mktemp("report") / "run"))


def table(path):
    with open(path, newline="") as handle:
        return list(csv.DictReader(handle))


def test_metrics_by_hand():
    score = np.array([0.9, 0.8, 0.8, 0.5, 0.1])
    positive = np.array([True, False, True, False, False])
    assert auroc(score, positive) == pytest.approx((3 + 2.5) / 6)  # 3 of 3 below the first; 2 and a tie below the other
    # thresholds .9: precision 1, recall 1/2; .8: precision 2/3, recall 1
    assert average_precision(score, positive) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert precision(score, positive, 2) == 0.5  # the tie goes to the lower index
    assert auroc(-score, positive) == pytest.approx(1 - auroc(score, positive))
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 60), rng.integers(0, 5, 60)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    positive = rng.random(60) < 0.3
    u = stats.mannwhitneyu(a[positive], a[~positive]).statistic
    assert auroc(a, positive) == pytest.approx(u / (positive.sum() * (~positive).sum()))
    assert np.isnan(spearman(np.ones(5), score))


def test_labels_follow_the_measurement(tmp_path):
    causal = read_truth(truth(tmp_path / "t.json"), [1, 3], 8)
    assert causal.causal and causal.positives == 2 and causal.decoy.sum() == 1
    assert causal.rings.sum() == 2 and not (causal.rings & causal.decoy).any()
    assert causal.label[0, 2] == causal.label[1, 5] == 1 and (causal.label == 0).sum() == 14
    null = read_truth(truth(tmp_path / "n.json", causal=False), [1, 3], 8)
    assert not null.causal and null.positives == 2
    text = (tmp_path / "t.json").read_text()
    first = text.index('"positive"')  # expert (1, 2) on regular prompts, then on jailbreak prompts
    grey = text[:first] + text[first:].replace('"positive"', '"grey"', 4)
    (tmp_path / "g.json").write_text(grey)
    mixed = read_truth(tmp_path / "g.json", [1, 3], 8)
    assert mixed.causal and mixed.label[0, 2] == -1 and mixed.positives == 1


def test_labels_without_roles_follow_the_decision_alone(tmp_path):
    """.1 nats matter."""
    document = json.loads(truth(tmp_path / "t.json").read_text()) | {"labels": "measured", "planted": [], "decoys": []}
    nothing = {"drop": 0.0, "low": -0.02, "high": 0.02, "sign": "grey"}
    bounds = {
        (1, 0): (0.9, 1.1),
        (1, 1): (0.1, 0.3),
        (1, 2): (-0.1, 0.5),
        (1, 3): (0.01, 0.03),
        (3, 0): (0.8, 1.0),
        (3, 1): (2, 3),
    }
    for row in document["experts"]:
        low, high = bounds.get((row["layer"], row["expert"]), (-0.02, 0.02))
        broken = {"drop": 0.1, "sign": "positive"} if (row["layer"], row["expert"]) in ((3, 0), (3, 1)) else {}
        row["permitted"] = {"right": nothing | broken}
        for name in ("regular", "jailbreak"):
            row[name]["refusal"]["drop"] = 0.5 if (row["layer"], row["expert"]) == (3, 1) else 0.0
            row[name]["decision"] = {"drop": (low + high) / 2, "low": low, "high": high, "sign": "grey"}
    (tmp_path / "m.json").write_text(json.dumps(document))
    measured = read_truth(tmp_path / "m.json", [1, 3], 8)
    assert measured.labels == "measured" and measured.causal
    assert measured.label[0].tolist() == [1, 1, -1, 0, 0, 0, 0, 0]  # not sure whether it matters: grey
    assert measured.label[1].tolist() == [-1, 1, 0, 0, 0, 0, 0, 0]  # breaks replies: grey; far more refusals: positive
    assert (measured.rings == (measured.label == 1)).all() and "measured" in measured.ringed


def test_scores_and_what_follows_from_them(run):
    found = {c.name: c for c in criteria(open_run(run))}
    assert set(found) == {
        *(f"{kind}-{name}" for kind in ("ses", "usage", "esft_token", "esft_gate") for name in SETS),
        *("hcdg", "hrcg", "risk_difference-regular-vs-permitted", "risk_difference-regular-vs-jailbreak"),
    }
    regular, jailbreak = found["ses-regular"].values, found["ses-jailbreak"].values
    assert (found["hcdg"].values == np.minimum(regular, jailbreak)).all()
    assert (found["hrcg"].values == regular - jailbreak).all() and found["hrcg"].signed and not found["hcdg"].signed


def test_a_perfect_and_a_useless_criterion(tmp_path):
    known = read_truth(truth(tmp_path / "t.json"), [1, 3], 8)
    perfect = evaluate(Criterion("margin", "contrast", known.margin), known)
    for name in ("precision", "auroc", "average_precision", "spearman_margin"):
        assert perfect[name] == pytest.approx(1) and perfect[f"{name}_high"] == pytest.approx(1)
    decoys = evaluate(Criterion("decoys", "contrast", known.decoy.astype(float)), known)
    assert decoys["decoys_in_top_n"] == 1 and decoys["precision"] == 0 and decoys["auroc"] < 0.5


def test_page_stands_alone_and_labels_everything(run, tmp_path):
    out = tmp_path / "out"
    assert main(["report", str(run), "--truth", str(truth(tmp_path / "t.json")), "--out", str(out), "--top", "3"]) == 0
    page = (out / "index.html").read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page) and "http" not in page.replace("data:image", "")
    pictures = list((out / "figures").glob("*.png"))
    assert (
        page.count('<img src="data:image/png;base64,') == len(pictures) == 16 + len(SETS) + 4
    )  # maps, paths, overview
    assert page.count(" alt=") == len(pictures)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    rows = table(out / "report.csv")
    assert len(rows) == 16 and {row["evidence"] for row in rows} == {IN_SAMPLE} and {r["n"] for r in rows} == {"2"}
    by_name = {row["criterion"]: row for row in rows}
    found = by_name["risk_difference-regular-vs-permitted"]
    assert float(found["auroc"]) > 0.9 >= float(by_name["hrcg"]["auroc"])
    assert float(found["auroc_low"]) <= float(found["auroc"]) <= float(found["auroc_high"])
    experts = [r for r in table(out / "experts.csv") if r["criterion"] == "risk_difference-regular-vs-permitted"]
    assert len(experts) == 3 and {(int(r["layer"]), int(r["expert"])) for r in experts} == {*PLANTED, DECOY}
    assert sorted(r["label"] for r in experts) == ["negative", "positive", "positive"]
    sets = {row["set"]: row for row in table(out / "sets.csv")}
    assert sets["hcdg"]["noise"] == "noise floor: benign permitted, splits 2, sizes 1/2, mean 1.5"
    assert page.count(sets["hcdg"]["noise"]) == 1 and sets["ses-regular"]["noise"] == ""


def test_without_truth_and_with_two_runs(run, tmp_path):
    assert main(["report", str(run), str(run), "--out", str(tmp_path / "out")]) == 0
    rows = table(tmp_path / "out/report.csv")
    assert len(rows) == 32 and {row["run"] for row in rows} == {"run (1)", "run (2)"}
    page = (tmp_path / "out/index.html").read_text()
    assert {row["auroc"] for row in rows} == {""} and "Against the truth" not in page
    agreeing = table(tmp_path / "out/replication.csv")  # a run with itself
    assert len(agreeing) == 16 and "Replication across runs" in page
    assert {row["spearman"] for row in agreeing} <= {"1.0", "nan", "0.9999999999999999", "1.0000000000000002"}
    assert {row["jaccard"] for row in agreeing} <= {"1.0", "nan"}


def test_null_truth_says_that_nothing_is_causal(run, tmp_path):
    null = truth(tmp_path / "n.json", causal=False)
    assert main(["report", str(run), "--truth", str(null), "--out", str(tmp_path / "out")]) == 0
    assert "a correlate, not a cause" in (tmp_path / "out/index.html").read_text()
    assert {row["labels"] for row in table(tmp_path / "out/report.csv")} == {"roles"}


def test_refusals(run, tmp_path, capsys):
    assert main(["report", str(tmp_path / "nothing")]) == 3 and "nothing" in capsys.readouterr().err
    assert main(["report", str(made_run(tmp_path / "bare"))]) == 3 and "moerae reduce" in capsys.readouterr().err
    assert not (tmp_path / "bare/report").exists()
    (tmp_path / "bad.json").write_text('{"schema": "moerae.truth/1", "experts": []}')
    assert main(["report", str(run), "--truth", str(tmp_path / "bad.json"), "--out", str(tmp_path / "out")]) == 3
    assert "bad.json" in capsys.readouterr().err and not (tmp_path / "out").exists()
    two = ["--truth", "a", "--truth", "b", "--truth", "c"]
    assert main(["report", str(run), str(run), *two]) == 2
