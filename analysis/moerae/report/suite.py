"""A suite of planted models -> criteria compared over seeds: means, intervals, differences paired by seed.

The unit is the seed: a model of its own with experts, topics and prompts of its own. Truth was measured on prompts
outside the discovery split, which is all that a criterion reads: the scores are not judged on their own prompts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

from moerae.errors import ConfigError, DataError
from moerae.report.truth import METRICS
from moerae.suite.cache import read_rejection
from moerae.suite.score import COLUMNS

KEY = ["variant", "seed", "size", "criterion", "groups"]
LOWEST = dict.fromkeys(("spearman_margin", "spearman_refusal"), -1.0)  # of a metric; 0 for the others
ALL_VARIANTS = "all"


@dataclass
class Suite:
    path: Path
    rows: pd.DataFrame  # of suite.csv, with `name` = criterion and groups; size = largest where all were read
    rejected: list[dict]  # variant, seed, reason
    missing: list[str]  # asked for, neither scored nor rejected

    @property
    def variants(self) -> list[str]:
        return list(dict.fromkeys(self.rows["variant"]))

    @property
    def caused(self) -> pd.DataFrame:
        """Rows of variants whose experts carry refusal, if there are any: elsewhere a high score is a false claim."""
        rows = self.rows[self.rows["labels"] != "roles"]
        return self.rows if rows.empty else rows

    @property
    def sizes(self) -> list[int]:
        """Ascending; 0, all clusters, last."""
        return sorted(self.rows["size"].unique().tolist(), key=lambda size: size or np.inf)


def read_suite(path: Path) -> Suite:
    try:
        # "null" is a variant
        rows = pd.read_csv(path / "suite.csv", keep_default_na=False, na_values=["", "nan"])
        plan = json.loads((path / "suite.json").read_text())
        asked = [(v, s) for s in plan["seeds"] for v in plan["variants"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: no suite can be read there ({error}); run `python -m moerae suite` first") from None
    if lacking := [name for name in COLUMNS if name not in rows]:
        raise DataError(f"{path}/suite.csv: without {', '.join(lacking)}; repeat `python -m moerae suite`")
    if rows.empty or rows.duplicated(KEY).any():
        raise DataError(f"{path}/suite.csv: no rows, or rows twice; repeat `python -m moerae suite`")
    rows["name"] = rows["criterion"] + " " + rows["groups"]
    rejections = [read_rejection(file) for file in sorted(path.glob("*.rejected.json"))]
    rejected = [r for r in rejections if (r["variant"], r["seed"]) in asked]
    there = {*zip(rows["variant"], rows["seed"], strict=True), *((r["variant"], r["seed"]) for r in rejected)}
    return Suite(path, rows, rejected, [f"{v}-{s}" for v, s in asked if (v, s) not in there])


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean over seeds and its 95 % t interval; NaN bounds for one seed."""
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return (float(values.mean()) if len(values) else np.nan, np.nan, np.nan)
    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def by_seed(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """[seed, criterion] of one variant and size, or means over the variants of those seeds that have them all."""
    table = rows.set_index(["seed", "variant", "name"])[metric].unstack("name")
    whole = table.groupby("seed").filter(lambda part: len(part) == rows["variant"].nunique())
    return whole.groupby("seed").mean()


def best(suite: Suite, wanted: str | None) -> str:
    """The criterion with the highest AUROC, mean over seeds and those variants whose experts carry refusal, at the
    largest size; or the one asked for."""
    names = sorted(suite.rows["name"].unique())
    if wanted is not None:
        if wanted not in names:
            raise ConfigError(f"--reference {wanted!r}: not in {suite.path}/suite.csv; there are {'; '.join(names)}")
        return wanted
    rows = suite.caused[suite.caused["size"] == suite.sizes[-1]]
    means = rows.groupby(["name", "variant"])["auroc"].mean().unstack()
    return str(means.mean(axis=1, skipna=False).idxmax())


def summary(suite: Suite, reference: str) -> pd.DataFrame:
    """One row for each variant (and `all`, the mean of those whose experts carry refusal), size, criterion and metric:
    mean [low, high] over seeds, and the difference to the reference, seed by seed, with its interval and the number of
    seeds in which it is above 0."""
    found = []
    for size in suite.sizes:
        of_size = suite.rows[suite.rows["size"] == size]
        caused = suite.caused[suite.caused["size"] == size]
        for variant in [*suite.variants, ALL_VARIANTS]:
            part = caused if variant == ALL_VARIANTS else of_size[of_size["variant"] == variant]
            for metric in METRICS:
                table = by_seed(part, metric)
                for name in table:
                    row = {"variant": variant, "size": size, "name": name, "metric": metric}
                    found.append(row | _compared(table, name, reference, LOWEST.get(metric, 0.0)))
    return pd.DataFrame(found)


def _compared(table: pd.DataFrame, name: str, reference: str, lowest: float) -> dict[str, float]:
    """Intervals of means are cut at the ends of the scale."""
    values = table[name].to_numpy(float)
    mean, low, high = interval(values)
    row = {"seeds": int((~np.isnan(values)).sum()), "mean": mean}
    row |= {"low": max(low, lowest), "high": min(high, 1.0)}
    if reference not in table:
        return row | dict.fromkeys(("difference", "difference_low", "difference_high", "seeds_above"), np.nan)
    difference = values - table[reference].to_numpy(float)
    for key, value in zip(("difference", "difference_low", "difference_high"), interval(difference), strict=True):
        row[key] = value
    return row | {"seeds_above": int((difference > 0).sum())}
