"""The same prompts twice: a condition against none. The unit is the cluster (methods: rules of evidence)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from moerae.refusal.intervals import Z, paired_drop, wilson


@dataclass(frozen=True)
class Rate:
    """A share of prompts with its 95 % interval."""

    hits: int
    n: int
    value: float
    low: float
    high: float
    effective: float  # independent prompts that say as much


@dataclass(frozen=True)
class Drop:
    """How much a share fell, its 95 % interval, and the p of no change (two-sided)."""

    value: float
    low: float
    high: float
    p: float


def totals(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """[prompts] -> sums by cluster, in the order of the clusters' ids."""
    _, index = np.unique(clusters, return_inverse=True)
    return np.bincount(index, values.astype(float))


def rate(hits: np.ndarray, clusters: np.ndarray) -> Rate:
    """Wilson's interval; where clusters hold several prompts, on the number of independent ones that gives the variance
    between clusters (Rao and Scott 1992)."""
    n, of = len(hits), int(hits.sum())
    p, effective = of / n, float(n)
    size = totals(np.ones(n), clusters)
    if len(size) < n and 0 < p < 1 and len(size) > 1:
        residual = totals(hits, clusters) - p * size
        variance = len(size) / (len(size) - 1) * float((residual**2).sum()) / n**2
        effective = min(float(n), p * (1 - p) / variance) if variance > 0 else float(n)
    elif len(size) < n:
        effective = float(len(size))
    low, high = wilson(p * effective, effective)
    return Rate(of, n, p, max(0.0, low), min(1.0, high), effective)


def drop(before: np.ndarray, after: np.ndarray, clusters: np.ndarray) -> Drop:
    """Newcombe's method 10 where every prompt is its own cluster; else the difference of the totals with the error of
    the clusters. p: exact McNemar test, mid-p (Fagerland et al. 2013), clusters that lost against those that won."""
    net = totals(before.astype(float) - after.astype(float), clusters)
    lost, gained = int((net > 0).sum()), int((net < 0).sum())
    if len(net) == len(before):
        value, low, high = paired_drop(before, after)
    else:
        n = len(before)
        value = float(net.sum()) / n
        residual = net - value * totals(np.ones(n), clusters)
        half = Z * math.sqrt(len(net) / max(1, len(net) - 1) * float((residual**2).sum())) / n
        low, high = max(-1.0, value - half), min(1.0, value + half)
    return Drop(value, low, high, mid_p(lost, gained))


def mid_p(lost: int, gained: int) -> float:
    """Two-sided: twice the smaller tail of Binomial(lost + gained, 1/2), with half of the observed count's own mass."""
    n, fewer = lost + gained, min(lost, gained)
    if n == 0:
        return 1.0
    return float(min(1.0, 2 * binom.cdf(fewer, n, 0.5) - binom.pmf(fewer, n, 0.5)))
