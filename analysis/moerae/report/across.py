"""Replication across runs: seeds, corpora or splits of one model's study say the same where their scores agree."""

from __future__ import annotations

import itertools
import warnings

import numpy as np

from moerae.report.collect import Section
from moerae.report.truth import spearman


def across(sections: list[Section], n: int) -> list[dict]:
    """One row per criterion and pair of runs with the same layers and experts: Spearman's correlation of the scores,
    Jaccard of the n highest (ties by layer and expert). A constant score has neither: NaN."""
    rows = []
    for one, two in itertools.combinations(sections, 2):
        if one.layers != two.layers:
            continue
        for name, first in one.scores.items():
            second = two.scores.get(name)
            if second is None or second.shape != first.shape:
                continue
            tops = [set(np.argsort(-score.ravel(), kind="stable")[:n]) for score in (first, second)]
            varies = all(np.ptp(score) > 0 for score in (first, second))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                rho = float(spearman(first.ravel(), second.ravel()))
            jaccard = len(tops[0] & tops[1]) / len(tops[0] | tops[1]) if varies else float("nan")
            rows.append(
                {"criterion": name, "run": one.name, "other": two.name, "spearman": rho, "jaccard": jaccard, "n": n}
            )
    return rows
