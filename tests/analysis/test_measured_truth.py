"""`python -m moerae truth`: measured effects of any model, and what the report makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import support
import xarray as xr
from moerae.__main__ import main
from moerae.errors import ConfigError, DataError
from moerae.measured_truth import truth_of
from moerae.report.truth import read_truth

PLANTED = support.ROOT / "data/planted/base"


def attributed(clusters: int = 40) -> xr.Dataset:
    """Two prompts a cluster in each of two sets; of layer 1 one expert carries refusal, one moves both, one neither."""
    random = np.random.default_rng(0)
    cluster = np.tile(np.repeat(np.arange(clusters), 2), 2)
    sets = np.repeat(["bad", "good"], 2 * clusters)
    shared = random.normal(0, 0.3, (clusters, 1, 4))[cluster]
    effect = np.where(sets[:, None] == "bad", [1.0, 1.0, 0.0, 0.3], [0.0, 1.0, 0.0, 0.0])
    drops = (effect[:, None] + shared + random.normal(0, 0.05, shared.shape)).astype(np.float32)
    prompt = {"set": sets, "cluster": cluster, "split": np.repeat("validation", len(sets))}
    axes = {"prompt": np.arange(len(sets)), "layer": [1], "expert": range(4)}
    return xr.Dataset({"single_mask": (("prompt", "layer", "expert"), drops)}, axes).assign_coords(
        {name: ("prompt", values) for name, values in prompt.items()}
    )


def test_effects_are_means_over_clusters(tmp_path: Path) -> None:
    found = attributed()
    document = truth_of(found, ["bad"], ["good"])
    by_cluster = found["single_mask"].isel(prompt=found["set"].values == "bad").groupby("cluster").mean()
    error = by_cluster.std("cluster", ddof=1).values[0] / np.sqrt(by_cluster.sizes["cluster"])
    for row, mean, se in zip(document["experts"], by_cluster.mean("cluster").values[0], error, strict=True):
        at = row["forbidden"]["margin"]
        assert at["drop"] == pytest.approx(mean, abs=1e-4)
        assert at["high"] - at["low"] == pytest.approx(2 * 1.959964 * se, abs=1e-4)
    assert document["measured"]["splits"] == ["validation"]
    (tmp_path / "truth.json").write_text(json.dumps(document))
    truth = read_truth(tmp_path / "truth.json", [1], 4)
    assert truth.causal and truth.labels == "margin" and np.isnan(truth.refusal).all()
    assert truth.label[0, 0] == 1 and truth.label[0, 1] == -1  # what moves permitted prompts, too, is grey
    assert truth.label[0, 2] in (0, -1) and truth.label[0, 3] in (1, -1)
    assert (truth.rings == (truth.label == 1)).all()


def test_what_can_not_be_measured_is_named() -> None:
    found = attributed()
    with pytest.raises(ConfigError, match="single_mask"):
        truth_of(found.rename({"single_mask": "mask_attribution"}), ["bad"], [])
    with pytest.raises(ConfigError, match=r"zebra.*bad, good"):
        truth_of(found, ["zebra"], [])
    with pytest.raises(DataError, match="one cluster"):
        truth_of(found.isel(prompt=found["cluster"].values == 0), ["bad"], [])


def test_the_report_takes_it(tmp_path: Path) -> None:
    """On the shipped model the measured effects are those of the experts that were planted."""
    keys = {"model.path": PLANTED, "corpus.path": PLANTED / "corpus.h5", "run.dir": tmp_path / "run"}
    keys |= {"model.dtype": "float32", "contrast.groups": "regular:permitted", "contrast.permutations": 0}
    sets = {"attribute.sets": "regular, jailbreak, permitted", "attribute.split": "validation"}
    support.moerae("attribute", keys | sets | {"attribute.criteria": "single_mask"}, ranks=2)
    support.moerae("record", keys, ranks=2)
    support.moerae("reduce", keys | {"contrast.criteria": "template_gate, risk_difference", "reduce.controls": 0})
    out = tmp_path / "truth.json"
    words = [str(tmp_path / "run"), "--forbidden", "regular,jailbreak", "--permitted", "permitted", "--out", str(out)]
    assert main(["truth", *words]) == 0
    planted = {(row["layer"], row["expert"]) for row in json.loads((PLANTED / "truth.json").read_text())["planted"]}
    label = read_truth(out, [0, 1, 2, 3], 16).label
    found = {(int(layer), int(expert)) for layer, expert in np.argwhere(label == 1)}
    assert found <= planted and len(found) >= 4
    assert main(["report", str(tmp_path / "run"), "--truth", str(out)]) == 0
    page = (tmp_path / "run/report/index.html").read_text()
    assert "masked one by one, regular/jailbreak" in page and "lower the refusal margin" in page
