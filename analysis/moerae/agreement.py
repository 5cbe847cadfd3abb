"""How far scores agree, and expert sets: Spearman's rank correlation and Jaccard's index, from reduce/scores.h5 and
reduce/sets alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

COMPARED = ("ses", "esft", "group", "contrast")  # kinds of criteria; usage and minima would repeat these


def of_scores(scores: dict[str, np.ndarray], size: int) -> dict[str, pd.DataFrame]:
    """`spearman`, and `jaccard` of the `size` best of each (attrs: size; ties by layer and expert), of scores [L, K] by
    name; NaN where a score is constant."""
    if not scores:
        return {}
    names, values = list(scores), np.stack([score.ravel() for score in scores.values()])
    size = min(size, values.shape[1])
    constant = values.min(1) == values.max(1)
    ranks = rankdata(values, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    ranks /= np.where(constant, np.nan, np.sqrt((ranks**2).sum(1)))[:, None]
    spearman = np.clip(ranks @ ranks.T, -1, 1)
    top = np.zeros(values.shape, bool)
    np.put_along_axis(top, np.argsort(-values, axis=1, kind="stable")[:, :size], True, axis=1)
    jaccard = np.where(np.isnan(spearman), np.nan, _jaccard(top))
    found = {"spearman": pd.DataFrame(spearman, names, names), "jaccard": pd.DataFrame(jaccard, names, names)}
    found["jaccard"].attrs["size"] = size
    return found


def of_sets(sets: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """`sets`: Jaccard of expert sets, frames with `layer` and `expert`, by name; NaN where both are empty."""
    if not sets:
        return {}
    members = [set(zip(frame["layer"], frame["expert"], strict=True)) for frame in sets.values()]
    every = sorted(set().union(*members))
    table = np.array([[expert in of for expert in every] for of in members], bool).reshape(len(members), len(every))
    return {"sets": pd.DataFrame(_jaccard(table), list(sets), list(sets))}


def _jaccard(members: np.ndarray) -> np.ndarray:
    """Of the rows of [n, E]: members of both over members of either; NaN where there are none."""
    counts = members.astype(float)
    both, size = counts @ counts.T, counts.sum(1)
    either = size[:, None] + size - both
    return np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0)
