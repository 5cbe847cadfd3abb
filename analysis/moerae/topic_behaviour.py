"""Topic x behaviour (after RASET, arXiv 2605.29708, whose log base and positions are not known to us): with what
routing differs, from the counts in reduce/scores.h5. Rows, where they can be formed:

  pooled             group a against group b as they are
  topic_changed_a    one group, two topics: mean over the pairs of topics
  topic_changed_b
  behaviour_changed  group a against group b inside one topic: mean over topics
  matched_pairs      the two sides of a cluster with prompts in both groups: mean over clusters
  cross_topic_pairs  two clusters of different topics in one group, as large as those of matched_pairs
  same_topic_pairs   two clusters of one topic in one group: the floor of the two above

Differences are associated with topic or behaviour, nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr

from moerae.files.topic_counts import Counts, Side
from moerae.topic_figures import MEASURES, Cell, Figures, Usage, of_cells, of_units

# quantity -> names of value, low, high, equal, floor by layer, and of their means over layers
NAMES = {
    "js": (("js_nats", "js_low", "js_high", "js_equal", "floor"), ("mean", "low", "high", "equal", "floor")),
    "overlap": (("overlap", "overlap_low", "overlap_high", "overlap_equal", "overlap_floor"),) * 2,
}


@dataclass
class Row:
    name: str
    of: str
    figures: dict[str, Figures]
    facts: dict[str, float]  # comparisons; clusters and tokens of the two sides, mean over the comparisons


def table(counts: Counts, layers: np.ndarray) -> xr.Dataset:
    """js_nats and the rest of each row [row, layer]; attrs["summary"]: DataFrame, a line per row, means over layers and
    `of` in words; attrs["absent"]: rows that could not be formed, and why."""
    absent: list[str] = []
    rows = [*_of_topics(counts, absent), *_of_clusters(counts, absent)]
    parts, lines = [], {}
    for row in rows:
        data: dict[str, tuple] = {}
        line: dict[str, object] = {"of": row.of, **row.facts, "top_k": counts.top_k}
        for key, figures in row.figures.items():
            values = (figures.value, *figures.interval(_most(key, counts)), figures.equal, figures.floor)
            for name, of_mean, value in zip(*NAMES[key], values, strict=True):
                if value is not None:
                    data[name], line[of_mean] = ("layer", value[:-1]), float(value[-1])
            if key == "js" and figures.floor_range is not None:
                line["floor_low"], line["floor_high"] = figures.floor_range
        parts.append(xr.Dataset(data, {"layer": layers}).expand_dims(row=[row.name]))
        lines[row.name] = line
    whole = xr.concat(parts, "row", data_vars="all") if parts else xr.Dataset()
    return whole.assign_attrs(summary=pd.DataFrame.from_dict(lines, orient="index"), absent=absent)


def _cells(side: Side, top_k: int) -> list[Cell]:
    """[T + 1]"""
    parts = zip(side.count.astype(np.int64), side.tokens, strict=True)
    return [Cell(*(Usage(*part, top_k) for part in _halves(*of))) for of in parts]


def _halves(count: np.ndarray, tokens: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(count[0], tokens[0]), (count[1:], tokens[1:]), (count[0] - count[1:], tokens[0] - tokens[1:])]


def _of_topics(counts: Counts, absent: list[str]) -> list[Row]:
    a, b = counts.sides
    both, rows = f"{a.name} against {b.name}", []
    n, m = a.clusters[0], b.clusters[0]
    pooled = [((0, 0), (1, 0))] if min(n, m) >= 2 else []
    changed = (
        [((s, 1 + i), (s, 1 + j)) for i, j in combinations(range(len(side.topics)), 2)]
        for s, side in enumerate(counts.sides)
    )
    inside = [((0, 1 + i), (1, 1 + j)) for i, t in enumerate(a.topics) for j, u in enumerate(b.topics) if t == u]
    few = f"{a.name} has {n} clusters and {b.name} has {m}, each needs 2 for its halves"
    known = a.with_topic or b.with_topic
    cells = [_cells(side, counts.top_k) for side in counts.sides]
    two, one = (
        f"needs {what} with at least {counts.least} clusters {where}" if known else "the corpus states no topic"
        for what, where in (("two topics", "each"), ("a topic", "in both sets"))
    )
    for name, of, comparisons, reason in (
        ("pooled", f"{both}, all topics together", pooled, few),
        ("topic_changed_a", f"{a.name}: one topic against another", next(changed), two),
        ("topic_changed_b", f"{b.name}: one topic against another", next(changed), two),
        ("behaviour_changed", f"{both} inside one topic", inside, one),
    ):
        if not comparisons:
            absent.append(f"{name}: {reason} ({of})")
            continue
        compared = [tuple(cells[side][cell] for side, cell in ends) for ends in comparisons]
        facts: dict[str, float] = {"comparisons": len(comparisons)}
        for key, ends in zip("ab", zip(*comparisons, strict=True), strict=True):
            facts[f"clusters_{key}"] = float(np.mean([counts.sides[s].clusters[cell] for s, cell in ends]))
            facts[f"tokens_{key}"] = float(np.mean([counts.sides[s].tokens[cell, 0] for s, cell in ends]))
        rows.append(Row(name, of, {key: of_cells(compared, measure) for key, measure in MEASURES.items()}, facts))
    return rows


def _of_clusters(counts: Counts, absent: list[str]) -> list[Row]:
    every = np.arange(counts.pair_topics.shape[1])
    cross, same = (pair_clusters(counts.pair_topics, same_topic) for same_topic in (False, True))
    a, b = (side.name for side in counts.sides)
    found: dict[str, Row] = {}
    for name, of, units in (
        ("matched_pairs", f"clusters with prompts in both {a} and {b}", [((0, every), (1, every))]),
        ("cross_topic_pairs", "pairs of these clusters, of different topics, in one set", _in_each(cross)),
        ("same_topic_pairs", "pairs of these clusters, of one topic, in one set", _in_each(same)),
    ):
        if (n := len(units[0][0][1])) < counts.least:
            absent.append(f"{name}: {n} of them ({of}), at least {counts.least} are needed")
            continue
        usage = [
            tuple(Usage(counts.pair_count[s][c], counts.pair_tokens[s][c], counts.top_k) for s, c in ends)
            for ends in units
        ]
        facts: dict[str, float] = {"comparisons": n, "clusters_a": 1.0, "clusters_b": 1.0}
        for key, ends in zip("ab", zip(*usage, strict=True), strict=True):
            facts[f"tokens_{key}"] = float(np.mean([end.tokens for end in ends]))
        found[name] = Row(name, of, {key: of_units(usage, measure) for key, measure in MEASURES.items()}, facts)
    floor = found.get("same_topic_pairs")
    for name in ("matched_pairs", "cross_topic_pairs"):
        if floor is not None and name in found:
            for key, figures in found[name].figures.items():
                figures.floor = floor.figures[key].value
                low, high = floor.figures[key].interval(_most(key, counts))
                figures.floor_range = float(low[-1]), float(high[-1])
    return list(found.values())


def _most(quantity: str, counts: Counts) -> float:
    return float(np.log(2)) if quantity == "js" else counts.top_k


def _in_each(pairs: np.ndarray) -> list:
    return [((side, pairs[:, 0]), (side, pairs[:, 1])) for side in (0, 1)]


def pair_clusters(topics: np.ndarray, same_topic: bool) -> np.ndarray:
    """Disjoint pairs [n, 2] out of clusters with topics [2 groups, M], taken in the given order: of the same topic in
    both groups, or of different topics in both. A cluster of unknown topic is in none."""
    free, pairs = (topics >= 0).all(0), []
    for i in range(topics.shape[1]):
        equal = topics[:, i + 1 :] == topics[:, i, None]
        fits = np.flatnonzero(free[i] & free[i + 1 :] & (equal.all(0) if same_topic else ~equal.any(0)))
        if len(fits):
            free[[i, i + 1 + fits[0]]] = False
            pairs.append((i, i + 1 + fits[0]))
    return np.array(pairs, int).reshape(-1, 2)
