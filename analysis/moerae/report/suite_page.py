"""A suite -> index.html (figures inlined), figures/*.png, suite_summary.csv."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from moerae.files.publish import publishing
from moerae.report.page import draw, render
from moerae.report.suite import ALL_VARIANTS, best, read_suite, summary
from moerae.report.suite_figures import leaders, learning_curves

SHOWN = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "precision": "precision at n",
    "spearman_margin": "Spearman, margin",
}


def write_suite_report(path: Path, out: Path, wanted: str | None) -> Path:
    suite = read_suite(path)
    reference = best(suite, wanted)
    table = summary(suite, reference)
    size = suite.sizes[-1]
    largest = table[table["size"] == size]
    parts = []
    for variant in suite.variants:
        of_variant = table[table["variant"] == variant]
        figure = learning_curves(of_variant, suite.sizes, leaders(of_variant, reference, size))
        picture = draw(figure, out / "figures" / f"suite-{variant}.png")
        rows = suite.rows[suite.rows["variant"] == variant]
        seeds = sorted(rows["seed"].unique().tolist())
        here = largest[largest["variant"] == variant]
        facts = {"name": variant, "seeds": seeds, "picture": picture, "rows": _rows(here)}
        facts["labels"] = rows["labels"].iloc[0]
        facts["rejected"] = [r for r in suite.rejected if r["variant"] == variant]
        parts.append(facts | {"experts": sorted(rows["n"].unique().tolist())})
    overall = largest[largest["variant"] == ALL_VARIANTS]
    page = render(
        "suite.html.jinja",
        suite=suite,
        variants=parts,
        overall=_rows(overall),
        grid=_grid(largest, suite.variants, list(suite.caused["variant"].unique())),
        reference=reference,
        chosen="asked for" if wanted else "highest mean AUROC over the variants on these seeds",
        size=size or "all",
        shown=SHOWN,
    )
    with publishing(out / "suite_summary.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    with publishing(out / "index.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    return out / "index.html"


def _rows(part: pd.DataFrame) -> list[dict]:
    """One row per criterion with a cell (a row of the summary) for each metric, best AUROC first."""
    found = []
    for name, cells in part.groupby("name", sort=False):
        by_metric = {cell["metric"]: cell for cell in cells.to_dict("records")}
        found.append({"name": name, **{metric: by_metric[metric] for metric in SHOWN}})
    return sorted(found, key=lambda row: (-row["auroc"]["mean"], row["name"]))


def _grid(part: pd.DataFrame, variants: list[str], caused: list[str]) -> list[dict]:
    """Mean AUROC by criterion and variant, best mean over the variants whose experts carry refusal first."""
    table = part[(part["metric"] == "auroc") & (part["variant"] != ALL_VARIANTS)]
    wide = table.pivot_table("mean", "name", "variant", dropna=False)[variants]
    means = wide[caused].mean(axis=1, skipna=False).sort_values(ascending=False, kind="stable")
    return [{"name": name, "mean": float(mean), "cells": wide.loc[name].tolist()} for name, mean in means.items()]
