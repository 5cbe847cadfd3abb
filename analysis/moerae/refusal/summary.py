"""evaluate/summary.csv: refusal by condition, control and prompt set, with intervals, drops and the control's p."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd

from moerae.errors import DataError
from moerae.files import manifest
from moerae.files.labels import read_labels
from moerae.files.publish import publishing
from moerae.files.replies import Condition, conditions
from moerae.reader import open_run
from moerae.refusal.controls import beside
from moerae.refusal.dose import dose_response
from moerae.refusal.judge_error import Confusion, corrected
from moerae.refusal.paired import Rate, drop, rate

BASE = "none"
PART = re.compile(r"@\d+$")  # of a set: its N best
CONTROLS = ["controls", "control_drop", "control_most", "p", "excess", "excess_low", "excess_high"]
MATCHED = "matched"
REFUSED = ("refusal", "partial")
LOST = ("compliance", "broken")  # what a refusal may become; everything else is `other`


def summaries(run: Path) -> dict[Path, pd.DataFrame]:
    """By folder of an evaluation: one line per condition, control and set. Columns:

    condition, control (number and kind; empty: the condition itself), experts (how many), set, split, n, clusters;
    refused, complied, broken, other: counts (partial counts as refused);
    rate, low, high: share refused, 95 %; corrected, corrected_low, corrected_high: without the errors of the judge,
    where these are known (judge_error.py); drop, drop_low, drop_high: against `none`, same prompts; p_none: McNemar;
    lost_complied, lost_broken, lost_other: what refusals of `none` became;
    controls, control_drop, control_most, p: the matched controls of a condition, their mean and largest drop, and
    (1 + #{control drop >= drop}) / (controls + 1); excess, excess_low, excess_high: the drop less their mean;
    doses, half, p_trend: where a set was also changed in part (SET@N), how many experts of it, with how many the
    refusals have fallen by half of their fall, and the p of no trend.
    """
    by_stage: dict[Path, list[Condition]] = {}
    for condition in conditions(run):
        by_stage.setdefault(condition.folder.parent, []).append(condition)
    return {folder: _of_stage(run, found) for folder, found in by_stage.items()}


def _of_stage(run: Path, found: list[Condition]) -> pd.DataFrame:
    labels = {condition.slug: read_labels(condition.folder) for condition in found}
    if len({(kept.attrs["judge"], kept.attrs["judge_hash"]) for kept in labels.values()}) > 1:
        raise DataError(
            f"{found[0].folder.parent}: labels of several judges; what differs may be the judge and not the model: "
            "run `python -m moerae judge` on the whole run"
        )
    if BASE not in labels:
        raise DataError(f"{found[0].folder.parent}: no replies without an intervention; repeat `moerae evaluate`")
    corpus = open_run(run).corpus.loc[labels[BASE].index]
    rows = [row for condition in found for row in _rows(condition, labels[condition.slug], labels[BASE], corpus)]
    table = _with_controls(pd.DataFrame(rows))
    return _with_doses(table, found, {slug: kept.isin(REFUSED) for slug, kept in labels.items()}, corpus)


def _rows(condition: Condition, labels: pd.Series, base: pd.Series, corpus: pd.DataFrame) -> Iterator[dict]:
    if not labels.index.equals(base.index):
        raise DataError(f"{condition.folder}: answers other prompts than `{BASE}`; repeat `moerae evaluate`")
    control = condition.about.get("control")
    for name, prompts in corpus.groupby("set", sort=True):
        now, then = labels.loc[prompts.index], base.loc[prompts.index]
        refused, before = (kept.isin(REFUSED).to_numpy() for kept in (now, then))
        clusters = prompts["cluster"].to_numpy()
        share = rate(refused, clusters)
        row = {
            "condition": condition.about["text"],
            "control": f"{control['number']:03d} {control['kind']}" if control else "",
            "experts": len(condition.about["experts"]),
            "set": name,
            "split": "/".join(sorted(prompts["split"].unique())),
            "n": share.n,
            "clusters": len(np.unique(clusters)),
            "refused": share.hits,
            "complied": int((now == "compliance").sum()),
            "broken": int((now == "broken").sum()),
            "other": int((~now.isin([*REFUSED, *LOST])).sum()),
            "rate": share.value,
            "low": share.low,
            "high": share.high,
            **_corrected(share, labels.attrs.get("confusion", "")),
        }
        if condition.slug != BASE:
            fell = drop(before, refused, clusters)
            lost = now[before & ~refused]
            row |= {"drop": fell.value, "drop_low": fell.low, "drop_high": fell.high, "p_none": fell.p}
            row |= {
                "lost_complied": int((lost == "compliance").sum()),
                "lost_broken": int((lost == "broken").sum()),
                "lost_other": int((~lost.isin(LOST)).sum()),
            }
        yield row


def _corrected(share: Rate, confusion: str) -> dict[str, float]:
    names = ("corrected", "corrected_low", "corrected_high")
    known = corrected(share.value, share.effective, Confusion.parse(confusion)) if confusion else (np.nan,) * 3
    return dict(zip(names, known, strict=True))


def _with_controls(table: pd.DataFrame) -> pd.DataFrame:
    """The condition's own lines get what its matched controls do on the same set."""
    table = table.reindex(columns=[*table.columns, *CONTROLS])
    own = (table["control"] == "") & (table["condition"] != BASE)
    matched = table[table["control"].str.endswith(MATCHED)]
    for i, row in table[own].iterrows():
        drops = matched.loc[(matched["condition"] == row["condition"]) & (matched["set"] == row["set"]), "drop"]
        table.loc[i, CONTROLS] = astuple(beside(*row[["drop", "drop_low", "drop_high"]], drops.tolist()))
    order = pd.DataFrame({"base": table["condition"] != BASE, "condition": table["condition"], "set": table["set"]})
    order["control"] = table["control"]
    return table.loc[order.sort_values(["base", "condition", "set", "control"]).index].reset_index(drop=True)


def _with_doses(
    table: pd.DataFrame, found: list[Condition], refused: dict[str, pd.Series], corpus: pd.DataFrame
) -> pd.DataFrame:
    """The line of the largest part of a set gets what follows from all of its parts."""
    table = table.assign(doses="", half=np.nan, p_trend=np.nan)
    parts: dict[str, list[Condition]] = {}
    for condition in found:
        if condition.slug != BASE and not condition.about.get("control"):
            parts.setdefault(PART.sub("", condition.about["text"]), []).append(condition)
    for of in parts.values():
        of.sort(key=lambda condition: len(condition.about["experts"]))
        if len(of) < 2:
            continue
        dose = np.array([0, *(len(condition.about["experts"]) for condition in of)])
        for name, prompts in corpus.groupby("set"):
            answers = [refused[slug].loc[prompts.index] for slug in (BASE, *(condition.slug for condition in of))]
            response = dose_response(np.stack(answers, axis=1), dose, prompts["cluster"].to_numpy())
            line = (table["condition"] == of[-1].about["text"]) & (table["control"] == "") & (table["set"] == name)
            words = " ".join(map(str, dose[1:]))
            table.loc[line, ["doses", "half", "p_trend"]] = [words, response.half, response.p]
    return table


def write_summaries(run: Path) -> list[Path]:
    """summary.csv of every evaluation of the run."""
    written = []
    for folder, table in summaries(run).items():
        path = folder / "summary.csv"
        with publishing(path) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
        manifest.append(run, [manifest.Entry.of(run, path, "evaluate")])
        written.append(path)
    return written
