"""Routing drift: how far tuning moved the choice of experts, although the routers stayed as they were."""

from __future__ import annotations

import numpy as np
import xarray as xr

from moerae.reader import Run
from moerae.topic_figures import Usage, js, overlap

SPLITS = 20  # random halves of the prompts


def drift(base: Run, tuned: Run) -> dict[str, dict[str, float]]:
    """By prompt set, over all recorded prompts of it:

    drift_js, drift_most: Jensen-Shannon divergence in nats between the selections of both models on the same tokens,
    mean and largest over layers; floor_js: the same between random halves of the prompts on the model as it is, a mean
    over layers and halves (the same prompts twice would give 0); overlap: share of the k most used experts of a layer
    that both models have in common, a mean over layers.
    """
    before, after = base.usage, tuned.usage
    return {
        str(name): _compare(*(usage.isel(prompt=usage["set"].values == name) for usage in (before, after)))
        for name in np.unique(before["set"].values)
    }


def _usage(of: xr.Dataset) -> Usage:
    """All prompts together."""
    return Usage(of["count"].values.sum((0, 1), dtype=np.int64), of["tokens"].values.sum(), int(of.attrs["top_k"]))


def _compare(before: xr.Dataset, after: xr.Dataset) -> dict[str, float]:
    x, y = _usage(before), _usage(after)
    moved = js(x, y)
    return {
        "drift_js": float(moved.mean()),
        "drift_most": float(moved.max()),
        "floor_js": _floor(before),
        "overlap": float(overlap(x, y).mean()) / x.top_k,
    }


def _floor(of: xr.Dataset) -> float:
    prompts = of.sizes["prompt"]
    if prompts < 2:
        return float("nan")
    random = np.random.default_rng(0)
    halves = (np.array_split(random.permutation(prompts), 2) for _ in range(SPLITS))
    return float(np.mean([js(*(_usage(of.isel(prompt=half)) for half in pair)).mean() for pair in halves]))
