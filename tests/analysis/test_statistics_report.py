"""Statistics beside the scores: read with their names, shown with their meaning."""

from __future__ import annotations

import csv
import re

import h5py
import numpy as np
import pytest
from made_run import DECOY, LAYERS, PLANTED, SETS, add_scores, made_run, truth
from made_statistics import CONTRAST, REASON, add_statistics
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
    assert list(data["row"].values) == list(summary.index) and list(data["layer"].values) == LAYERS
    assert data.attrs["absent"] == [REASON] and "absent" not in summary
    assert summary.loc["pooled", "of"] == "regular against permitted, all topics together"
    for row, line in summary.iterrows():
        for key, of_mean in (("js_nats", "mean"), ("js_equal", "equal"), ("floor", "floor"), ("overlap", "overlap")):
            np.testing.assert_allclose(data[key].sel(row=row).mean(skipna=False), line[of_mean], rtol=1e-12)
        assert np.isnan(line["floor"]) == row.endswith("_pairs")  # those need pairs of one topic
    assert summary.loc["topic_changed_a", "low"] > summary.loc["behaviour_changed", "high"]


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
    summary = open_run(run).topic_behaviour["regular-vs-permitted"].attrs["summary"]
    row, other, same = (summary.loc[f"{name}"] for name in ("topic_changed_a", "topic_changed_b", "behaviour_changed"))
    figures = f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}] {row['mean'] / np.log(2):.3f}"  # nats, bits
    assert f"topic changed, within the first set (regular: one topic against another) {figures}" in text
    assert f"Not formed: {REASON}" in text
    assert "unimodal 23, what vacuous: &lt;=23 experts" in text and "at least 2" in text
    assert "matched 2 2 to 2 1 usage jailbreak 0.97 to 1.94" in text and "dose 1 1 to 1 0 gate 0.50 to 0.50" in text
    one, two, three = (f"{line['mean']:.4f} (floor {line['floor']:.4f})" for line in (row, other, same))
    assert f"topic changes {one} and {two}" in text
    assert f"behaviour changes {three}" in text and "nan" not in text.lower()
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
    assert float(lines["pooled"]["mean_bits"]) == pytest.approx(summary.loc["pooled", "mean"] / np.log(2))
