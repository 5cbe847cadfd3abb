"""Jensen-Shannon divergence and top-k overlap of usage, with intervals over clusters and what sampling alone gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from moerae.refusal.intervals import Z


@dataclass
class Usage:
    """How the selections of groups of tokens are spread over experts: count [..., L, K] in tokens [...]."""

    count: np.ndarray
    tokens: np.ndarray
    top_k: int

    @cached_property
    def share(self) -> np.ndarray:
        """Sums to 1 in a layer."""
        return self.count / (np.asarray(self.tokens)[..., None, None] * float(self.top_k))

    @cached_property
    def p_log_p(self) -> np.ndarray:
        return _p_log_p(self.share)

    @cached_property
    def top(self) -> np.ndarray:
        """Whether an expert is among the k most used of its layer, ties by lowest id."""
        order = np.argsort(-self.count.astype(np.int64), axis=-1, kind="stable")
        mask = np.zeros(self.count.shape, bool)
        np.put_along_axis(mask, order[..., : self.top_k], True, axis=-1)
        return mask


def _p_log_p(p: np.ndarray) -> np.ndarray:
    return p * np.log(np.where(p > 0, p, 1))


def js(x: Usage, y: Usage) -> np.ndarray:
    """Jensen-Shannon divergence [..., L], nats, 0 .. ln 2. Plug-in: biased upwards on few tokens."""
    terms = (x.p_log_p + y.p_log_p) / 2 - _p_log_p((x.share + y.share) / 2)
    return np.maximum(terms, 0).sum(-1)  # each is >= 0 (convexity); rounding can reach below


def overlap(x: Usage, y: Usage) -> np.ndarray:
    """Experts of a layer that are among the k most used of both [..., L], 0 .. k."""
    return (x.top & y.top).sum(-1).astype(float)


Measure = Callable[[Usage, Usage], np.ndarray]
MEASURES: dict[str, Measure] = {"js": js, "overlap": overlap}


@dataclass
class Cell:
    """Pooled clusters: all of them, and the two halves of each of S random splits."""

    whole: Usage
    first: Usage
    second: Usage


@dataclass
class Figures:
    """One quantity of one row; the last entry of each array [L+1] is the mean over layers."""

    value: np.ndarray
    error: np.ndarray  # standard error over clusters
    equal: np.ndarray  # at the size at which the floor is taken
    floor: np.ndarray | None = None  # what sampling alone gives
    floor_range: tuple[float, float] | None = None  # of the mean over layers

    def interval(self, most: float) -> tuple[np.ndarray, np.ndarray]:
        """95 %, within 0 .. most."""
        return np.maximum(self.value - Z * self.error, 0), np.minimum(self.value + Z * self.error, most)


def _with_mean(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values, values.mean(-1, keepdims=True)], -1)


def of_cells(comparisons: list[tuple[Cell, Cell]], measure: Measure) -> Figures:
    """Mean over comparisons. The two halves of the clusters are independent and half as large: the variance of a figure
    on all clusters is a quarter of the mean square of their difference; what plug-in JS is biased by cancels in it.
    `equal` and `floor` are taken on halves, because plug-in JS falls with the number of tokens: value less floor would
    mix two sizes. `floor`: between the halves of each side; `equal`: across the halves, so that pairs do not cancel
    out."""
    parts = [
        (
            measure(x.whole, y.whole),
            measure(x.first, y.first) - measure(x.second, y.second),
            (measure(x.first, y.second) + measure(x.second, y.first)) / 2,
            (measure(x.first, x.second) + measure(y.first, y.second)) / 2,
        )
        for x, y in comparisons
    ]
    value, difference, equal, floor = (_with_mean(np.mean(part, axis=0)) for part in zip(*parts, strict=True))
    error = np.sqrt((difference**2).mean(0)) / 2
    spread = float(floor[:, -1].min()), float(floor[:, -1].max())  # over splits
    return Figures(value, error, equal.mean(0), floor.mean(0), spread)


def of_units(comparisons: list[tuple[Usage, Usage]], measure: Measure) -> Figures:
    """Mean over independent units [n]; of a unit the mean over its comparisons counts."""
    units = _with_mean(np.mean([measure(x, y) for x, y in comparisons], axis=0))
    mean = units.mean(0)
    return Figures(mean, units.std(0, ddof=1) / np.sqrt(len(units)), mean)
