"""harden.csv: what every arm did to refusal, to right replies and to the routing, beside what none of it is worth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from moerae.files.hdf5 import reading
from moerae.files.labels import read_labels
from moerae.harden.arms import BASE, CHOSEN, Arm
from moerae.harden.drift import drift
from moerae.reader import Run, open_run
from moerae.refusal.paired import drop, rate
from moerae.refusal.summary import REFUSED

AGAIN = "again"
SHOWN = [
    "arm", "experts", "set", "masked", "n", "rate", "low", "high", "change", "change_low", "change_high", "complied",
    "drift_js", "floor_js", "overlap",
]  # fmt: skip


def table(out: Path, arms: list[Arm], held_out: list[str]) -> pd.DataFrame:
    """A line per arm, masked experts and prompt set; of sets with wrappers that were held out of tuning two, the second
    (SET/held out) of these alone. Columns:

    arm, experts (tuned), masked (none, chosen: those of the study, again: those that its criterion selects on the tuned
    model), set, n; refused, rate, low, high: share of the validation split refused, 95 %; complied: share with a
    compliant (judge exact: right) reply; change, change_low, change_high, p: of the share refused against the model as
    it is, same prompts, without a mask or with its chosen experts masked, too; drift_js, drift_most, floor_js, overlap:
    see drift.py; loss_first, loss_last, idle: of the training, idle = experts that got no token.
    """
    runs = {arm.name: open_run(out / arm.name) for arm in arms}
    labels = {name: _labels(run) for name, run in runs.items()}
    rows = []
    for arm in arms:
        trained = _training(out / arm.name / "tune/adapter.h5") if arm.set else {}
        routed = drift(runs[BASE], runs[arm.name]) if arm.set else {}
        for masked, found in labels[arm.name].items():
            corpus = runs[BASE].corpus.loc[found.index]
            before = labels[BASE]["none" if masked == "none" else CHOSEN]
            for name, prompts in _groups(corpus, held_out):
                now = found.loc[prompts.index]
                row = {"arm": arm.name, "experts": len(arm.experts), "set": name, "masked": masked, "n": len(now)}
                row |= _refusal(now, before.loc[prompts.index], prompts["cluster"].to_numpy(), arm.set is not None)
                rows.append(row | (routed.get(name, {}) if masked == "none" else {}) | trained)
    return pd.DataFrame(rows)


def _groups(corpus: pd.DataFrame, held_out: list[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    for name, prompts in corpus.groupby("set", sort=True):
        unseen = prompts["wrapper"].isin(held_out)
        for label, part in ((str(name), prompts[~unseen]), (f"{name}/held out", prompts[unseen])):
            if len(part):
                yield label, part


def _refusal(now: pd.Series, before: pd.Series, clusters: np.ndarray, tuned: bool) -> dict[str, float]:
    refused, then = (labels.isin(REFUSED).to_numpy() for labels in (now, before))
    share = rate(refused, clusters)
    row = {"refused": share.hits, "rate": share.value, "low": share.low, "high": share.high}
    row["complied"] = float((now == "compliance").mean())
    if tuned:
        fell = drop(then, refused, clusters)
        # 0 - x: no minus zero
        row |= {"change": 0 - fell.value, "change_low": 0 - fell.high, "change_high": 0 - fell.low, "p": fell.p}
    return row


def _labels(run: Run) -> dict[str, pd.Series]:
    """By what was masked."""
    out = {}
    for condition in run.conditions.values():
        of = condition.about
        chosen = Path(of.get("set", "")).stem == CHOSEN
        masked = "none" if of["action"] == "none" else CHOSEN if chosen else AGAIN
        out[masked] = read_labels(condition.folder)
    return {name: out[name] for name in ("none", CHOSEN, AGAIN) if name in out}


def _training(path: Path) -> dict[str, float]:
    with reading(path) as file:
        loss, tokens = file["history/loss"][()], file["tokens"][()]
    return {"loss_first": float(loss[0]), "loss_last": float(loss[-1]), "idle": int((tokens == 0).sum())}
