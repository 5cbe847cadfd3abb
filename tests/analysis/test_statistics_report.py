"""Statistics beside the scores: read with their names, shown with their meaning."""

from __future__ import annotations

import csv
import re

import h5py
import numpy as np
import pytest
from made_run import DECOY, LAYERS, PLANTED, SETS, add_scores, made_run, truth
from made_statistics import CONTRAST, REASON, ROWS, add_statistics
from moerae import open_run
from moerae.__main__ import main
from moerae.errors import ConfigError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return add_statistics(add_scores(made_run(tmp_path_factory.mktemp("statistics") / "run")))


def test_tests_of_a_contrast(run):
    opened = open_run(run)
    part = opened.contrast("risk_difference", "regular:permitted")
    with h5py.File(run / "reduce/scores.h5") as file:
        assert set(part) == {"score", "p_adjusted", "q"} and part["q"].dims == ("layer", "expert")
        assert (part["p_adjusted"].values == file[f"{CONTRAST}/p_adjusted"][:]).all()
        assert (part["score"].values == opened.scores[f"{CONTRAST}/score"].values).all()
    facts = {"test": "studentised", "movable": 12, "permutations": 1999, "smallest_p": 0.0005, "lambda": 0.3}
    assert part["score"].attrs == facts and part.attrs == facts
    significant = part["p_adjusted"] <= 0.05
    found = {(LAYERS[row], expert) for row, expert in zip(*np.nonzero(significant.values), strict=True)}
    assert found == {*PLANTED, DECOY}
    assert set(opened.contrast("risk_difference", "regular-vs-jailbreak")) == {"score"}
    with pytest.raises(ConfigError, match="risk_difference/regular-vs-permitted"):
        opened.contrast("js", "regular:lookalike")


def test_topic_and_behaviour(run):
    (name, data), *others = open_run(run).topic_behaviour.items()
    assert name == "regular-vs-permitted" and not others
    summary = data.attrs["summary"]
    assert summary["mean"].to_dict() == ROWS and set(summary["of"]) == {"hot against cold"}
    assert data.attrs["absent"] == [REASON] and "absent" not in summary
    for row, value in ROWS.items():
        assert data["js_nats"].sel(row=row, layer=3).item() == pytest.approx(1.5 * value)
        assert np.isnan(data["floor"].sel(row=row)).all() == (row == "topic_changed_b")


def test_agreement(run):
    opened = open_run(run)
    found = opened.agreement
    ses, esft = ([f"{kind}-{name}" for name in SETS] for kind in ("ses", "esft_gate"))
    contrasts = ["risk_difference-regular-vs-jailbreak", "risk_difference-regular-vs-permitted"]
    expected = [*ses, *esft, *(name.replace("gate", "token") for name in esft), "hcdg", "hrcg", *contrasts]
    assert list(found["spearman"].index) == expected == list(found["jaccard"].columns)
    assert found["jaccard"].attrs["size"] == 4  # contrast.count
    assert found["spearman"].loc["esft_gate-regular", "esft_token-regular"] == pytest.approx(1)  # one is half the other
    members = [set(opened.expert_set(name)[["layer", "expert"]].itertuples(index=False)) for name in found["sets"]]
    one, two = members
    assert found["sets"].iloc[0, 1] == len(one & two) / len(one | two)


def test_replication(run):
    opened = open_run(run)
    (row,) = opened.replication.to_dict("records")
    assert row["splits"] == 3 and row["size"] == 4 and row["spearman"] == pytest.approx(0.8)
    assert (row["jaccard_low"], row["jaccard_high"]) == (0.25, 0.5)


def test_a_run_without_statistics_has_none(tmp_path):
    opened = open_run(add_scores(made_run(tmp_path / "run")))
    assert opened.topic_behaviour == {} and opened.replication.empty
    best = opened.expert_set("ses-regular")
    assert best.attrs["evidence"] == {} and best.attrs["controls"] == []
    assert main(["report", str(tmp_path / "run")]) == 0
    page = (tmp_path / "run/report/index.html").read_text()
    assert "Significance" not in page and "Topic and behaviour" not in page and "Replication" not in page
    assert not (tmp_path / "run/report/topics.csv").exists()


def test_page(run, tmp_path):
    out = tmp_path / "out"
    assert main(["report", str(run), "--truth", str(truth(tmp_path / "t.json")), "--out", str(out)]) == 0
    page = re.sub(r"data:image[^\"]*", "", (out / "index.html").read_text())
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
    assert "risk_difference regular-vs-permitted 3 3 0.0005" in text
    assert "permutations 1999" in text and "smallest p 0.0005" in text and "movable 12" in text and "lambda" not in text
    assert "No p values: 4 of 12 clusters can move" in text
    assert "topic changed, within the first set (hot against cold) 0.300 [0.240, 0.360] 0.433" in text  # nats, bits
    assert f"Not formed: {REASON}" in text
    assert "unimodal 23, what vacuous: &lt;=23 experts" in text and "at least 2" in text
    assert "matched 2 2 to 2 1 usage jailbreak 0.97 to 1.94" in text and "dose 1 1 to 1 0 gate 0.50 to 0.50" in text
    assert "topic changes 0.3000 (floor 0.0300) and 0.2800 (no floor)" in text
    assert "behaviour changes 0.0200 (floor 0.0020)" in text and "nan" not in text.lower()
    assert "associated" in text and "Jaccard index of the 4 best" in text and "0.700 to 0.900" in text
    pictures = {path.name for path in (out / "figures").iterdir()}
    assert {"run-volcano-regular-vs-permitted.png", "run-topics-regular-vs-permitted.png"} <= pictures
    assert {f"run-agreement-{kind}.png" for kind in ("spearman", "jaccard", "sets")} <= pictures
    with open(out / "experts.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    tested = [r for r in rows if r["criterion"] == "risk_difference-regular-vs-permitted"]
    assert sum(float(row["p_adjusted"]) <= 0.05 for row in tested) == 3
    assert {row["p_adjusted"] for row in rows if row["criterion"] == "hcdg"} == {""}
    with open(out / "topics.csv", newline="") as handle:
        lines = {row["row"]: row for row in csv.DictReader(handle)}
    assert float(lines["pooled"]["mean_bits"]) == pytest.approx(0.05 / np.log(2))
