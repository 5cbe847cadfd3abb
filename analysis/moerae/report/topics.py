"""Topic x behaviour: how far routing moves with the topic, and with the behaviour when the topic stays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from math import log

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure

from moerae.reader import Run
from moerae.report.figures import INK, MUTED, STYLE

# row -> what it compares; its order in tables
ROWS = {
    "pooled": "first set against second, topics mixed",
    "topic_changed_a": "topic changed, within the first set",
    "topic_changed_b": "topic changed, within the second set",
    "behaviour_changed": "topic fixed, behaviour changed",
    "matched_pairs": "matched pairs, the two sides of a cluster",
    "cross_topic_pairs": "pairs from two topics of one set",
}
COLOURS = ("#1f2933", "#b3401f", "#c98a2b", "#1f5fa8", "#0b7a5d", "#7a3e9d", "#8a8f98")


@dataclass
class Line:
    """One row of the table: Jensen-Shannon divergence in nats and top-k overlap, means over layers."""

    row: str
    what: str
    values: dict[str, float]  # as stored: mean, low, high, equal, floor, ..., overlap, ...

    def get(self, key: str) -> float:
        return float(self.values.get(key, np.nan))

    def bits(self, key: str) -> float:
        return self.get(key) / log(2)

    @property
    def beyond(self) -> float:
        """What is there beyond sampling: at the size of the floor, divergence minus floor, nats."""
        return self.get("equal") - self.get("floor")


@dataclass
class Table:
    name: str  # a-vs-b
    lines: list[Line]
    absent: list[str]
    data: xr.Dataset

    def line(self, row: str) -> Line | None:
        return next((line for line in self.lines if line.row == row), None)

    @property
    def sentence(self) -> str:
        """What stands beside a set of experts: topic against behaviour, in nats beyond the floor."""
        topic = [line for row in ("topic_changed_a", "topic_changed_b") if (line := self.line(row))]
        behaviour = self.line("behaviour_changed")
        if not topic or behaviour is None:
            return ""
        moved = " and ".join(map(_with_floor, topic))
        return (
            f"{self.name}: JS in nats when the topic changes {moved}; when the topic stays and the behaviour changes "
            f"{_with_floor(behaviour)}"
        )


def _with_floor(line: Line) -> str:
    floor = line.get("floor")
    return f"{line.get('mean'):.4f} ({'no floor' if np.isnan(floor) else f'floor {floor:.4f}'})"


def tables(run: Run) -> list[Table]:
    found = []
    for name, data in run.topic_behaviour.items():
        summary = data.attrs["summary"]
        order = [row for row in ROWS if row in summary.index] + [row for row in summary.index if row not in ROWS]
        lines = []
        for row in order:
            values = summary.loc[row].to_dict()
            of = values.pop("of", None)
            numbers = {key: value for key, value in values.items() if isinstance(value, int | float)}
            what = ROWS.get(row, row.replace("_", " "))
            lines.append(Line(row, f"{what} ({of})" if isinstance(of, str) and of else what, numbers))
        found.append(Table(name, lines, data.attrs["absent"], data))
    return found


def by_layer(table: Table) -> Figure:
    """JS of each row by layer; dotted: its noise floor."""
    with rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.2), layout="constrained")
        axis = figure.subplots()
        layers = table.data["layer"].values
        for line, colour in zip(table.lines, cycle(COLOURS), strict=False):
            part = table.data.sel(row=line.row)
            axis.plot(layers, part["js_nats"], color=colour, marker="o", markersize=3, linewidth=1.2, label=line.row)
            if "floor" in part:
                axis.plot(layers, part["floor"], color=colour, linewidth=0.9, linestyle=":")
        axis.set(xlabel="layer", ylabel="JS, nats", ylim=(0, None))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.tick_params(colors=MUTED, labelcolor=INK)
        figure.legend(loc="outside right upper", fontsize=8)
    return figure
