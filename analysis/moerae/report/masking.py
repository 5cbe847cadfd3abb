"""The first thing a reader wants: what was found, what masking it does beside its controls, how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from moerae.errors import DataError
from moerae.files.replies import read_summary
from moerae.refusal.summary import BASE
from moerae.refusal.verdict import Verdict, verdict
from moerae.report.figures import ACCENT, INK, MUTED, SECOND, STYLE


@dataclass
class Line:
    """One condition on one prompt set."""

    condition: str
    prompts: str  # the prompt set
    values: dict[str, float]  # of summary.csv
    said: Verdict


@dataclass
class Masking:
    answer: list[str]  # three sentences
    split: str
    base: list[dict]  # refusal without an intervention, by prompt set
    lines: list[Line]
    table: pd.DataFrame  # summary.csv, controls too
    doses: list[str]  # what parts of the sets do


def masking(run: Path) -> Masking | None:
    """None where nothing was judged. DataError where a run holds several evaluations: which is the answer? Replies to
    the discovery split, which groups by outcome are made of, are none."""
    tables = {path: read_summary(path) for path in sorted(run.glob("evaluate*/summary.csv"))}
    found = [path for path, table in tables.items() if not (table["split"] == "discovery").all()]
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(path.parent.name for path in found)
        raise DataError(f"{run}: several evaluations ({names}), so none is the answer; report on a run that has one")
    table = tables[found[0]]
    own = table[table["control"] == ""]
    base = own[own["condition"] == BASE]
    lines = [
        Line(row["condition"], row["set"], row.drop(["condition", "set", "control", "split"]).to_dict(), verdict(row))
        for _, row in own[own["condition"] != BASE].iterrows()
    ]
    return Masking(
        sentences(lines, base), "/".join(base["split"].unique()), base.to_dict("records"), lines, table, doses(lines)
    )


def headline(lines: list[Line]) -> Line | None:
    """The condition and prompt set with the largest drop among those that have controls; else among all."""
    with_controls = [line for line in lines if line.values["controls"] > 0] or lines
    return max(with_controls, key=lambda line: line.values["drop"], default=None)


def sentences(lines: list[Line], base: pd.DataFrame) -> list[str]:
    top = headline(lines)
    if top is None:
        return ["Replies were judged without any intervention, so nothing can be said of experts."]
    v = top.values
    before = base.loc[base["set"] == top.prompts, "rate"].item()
    first = (
        f"With {top.condition} ({v['experts']} experts) the model refuses {percent(v['rate'])} of the {v['n']} "
        f"held-out prompts of {top.prompts}, {percent(before)} without: a drop of {points(v['drop'])} points "
        f"[{points(v['drop_low'])}, {points(v['drop_high'])}]."
    )
    second = "No controls were masked, so any experts might do the same."
    if v["controls"] > 0:
        second = (
            f"Its {v['controls']:.0f} matched random sets lower it by {points(v['control_drop'])} points on average "
            f"and {points(v['control_most'])} at most (p = {v['p']:.3f})."
        )
    became = f"{v['lost_complied']:.0f} answered, {v['lost_broken']:.0f} broken, {v['lost_other']:.0f} other"
    third = f"Verdict: {top.said.word}; {top.said.why}. The lost refusals became: {became}."
    return [first, second, third]


def doses(lines: list[Line]) -> list[str]:
    found = []
    for line in (line for line in lines if isinstance(line.values["doses"], str)):
        v = line.values
        numbers = str(v["doses"]).split()
        some = f"{', '.join(numbers[:-1])} and {numbers[-1]} experts of {line.condition} on {line.prompts}"
        how = "refusal falls nowhere" if np.isnan(v["half"]) else f"half of the fall is reached with {v['half']:.0f}"
        found.append(f"Changing {some}: {how} (trend: p = {v['p_trend']:.2g}).")
    return found


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def points(share: float) -> str:
    return f"{100 * share:.1f}".replace("-", "\u2212")


def picture(found: Masking) -> Figure:
    """Drop of refusal by condition, a panel for every prompt set: intervals of the sets, dots of their controls."""
    sets = list(dict.fromkeys(line.prompts for line in found.lines))
    names = list(dict.fromkeys(line.condition for line in found.lines))
    controls = found.table[found.table["control"] != ""]
    lowest = min(-0.25, found.table[["drop", "drop_low"]].min().min())
    with rc_context(STYLE):
        figure = Figure(figsize=(1.6 + 2.3 * len(sets), 1.1 + 0.42 * len(names)), layout="constrained")
        axes = figure.subplots(1, len(sets), squeeze=False, sharey=True)[0]
        for axis, prompts in zip(axes, sets, strict=True):
            for line in (line for line in found.lines if line.prompts == prompts):
                y, v = len(names) - 1 - names.index(line.condition), line.values
                others = controls[(controls["condition"] == line.condition) & (controls["set"] == prompts)]
                spread = np.linspace(-0.22, 0.22, len(others)) if len(others) > 1 else np.zeros(len(others))
                axis.plot(others["drop"], y + spread, "o", color=MUTED, markersize=2.6, alpha=0.7)
                axis.hlines(y, v["drop_low"], v["drop_high"], color=ACCENT, linewidth=1.6)
                axis.plot(v["drop"], y, "D", color=ACCENT, markersize=5)
            axis.axvline(0, color=SECOND, linewidth=1, linestyle=":")
            axis.set(xlim=(lowest - 0.05, 1.05), ylim=(-0.6, len(names) - 0.4), xlabel="drop of refusal")
            axis.set_title(prompts, loc="left", fontsize=9, color=INK)
            axis.grid(axis="x", color="#e4e7eb", linewidth=0.6)
        axes[0].set_yticks(range(len(names)), [shortened(name) for name in names[::-1]])
    return figure


def shortened(condition: str, most: int = 34) -> str:
    return condition if len(condition) <= most else f"{condition[: most // 2]}…{condition[-most // 2 + 1 :]}"
