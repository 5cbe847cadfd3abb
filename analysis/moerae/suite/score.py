"""The rows of suite.csv: every score of a reduction against the measured truth of its model."""

from __future__ import annotations

import csv
from pathlib import Path

from moerae.criteria import criteria
from moerae.files.publish import publishing
from moerae.reader import open_run
from moerae.report.truth import METRICS, measure, read_truth

COLUMNS = ("variant", "seed", "size", "labels", "criterion", "groups", *METRICS, "n", "decoys_in_top_n")


def rows(run: Path, reduce: str, truth: Path, variant: str, seed: int, size: int) -> list[dict]:
    """`size` in discovery clusters, 0 all; `n` experts are positive, by what `labels` rest on (see report.truth)."""
    opened = open_run(run, reduce=reduce)
    layers = [int(layer) for layer in opened.scores["layer"].values]
    known = read_truth(truth, layers, opened.scores.sizes["expert"])
    found = []
    for criterion in criteria(opened):
        name = {"variant": variant, "seed": seed, "size": size, "labels": known.labels}
        name |= {"criterion": criterion.method, "groups": criterion.groups}
        measured = measure(criterion, known)
        found.append(name | {key: measured[key] for key in COLUMNS[len(name) :]})
    return found


def write(path: Path, table: list[dict]) -> None:
    with publishing(path) as temporary, open(temporary, "w", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows(table)
