"""Tested contrasts of a run: how many experts remain after adjustment, and what the test could find at best."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from moerae.reader import Run
from moerae.report.figures import ACCENT, INK, MUTED, SECOND, STYLE
from moerae.report.truth import Truth
from moerae.report.words import name, words

LEVEL = 0.05
REFUSED = "significance_refused"
UNSHOWN = ("lambda",)  # of the template that bounds true discoveries: no reader can use it


@dataclass
class Tested:
    """One contrast; arrays [L, K]."""

    criterion: str
    groups: str
    score: np.ndarray
    p_adjusted: np.ndarray | None  # None: refused
    q: np.ndarray | None
    facts: dict[str, str] = field(default_factory=dict)  # attributes of the test, in words
    refused: str = ""  # why there are no p values

    @property
    def significant(self) -> int | None:
        return None if self.p_adjusted is None else int((self.p_adjusted <= LEVEL).sum())

    @property
    def discoveries(self) -> int | None:
        return None if self.q is None else int((self.q <= LEVEL).sum())

    @property
    def smallest(self) -> float:
        return np.nan if self.p_adjusted is None else float(self.p_adjusted.min())


def tested(run: Run) -> list[Tested]:
    """Contrasts with p_adjusted, or with the reason why not, in the order of their names."""
    found = []
    for path in sorted(map(str, run.scores)):
        match path.split("/"):
            case ["contrast", criterion, groups, "score"]:
                part = run.contrast(criterion, groups)
                attributes: dict[str, object] = {}
                for values in part.values():
                    attributes |= values.attrs
                refused = str(attributes.pop(REFUSED, ""))
                if "p_adjusted" in part or refused:
                    p, q = (part[key].values if key in part else None for key in ("p_adjusted", "q"))
                    facts = {name(key): words(value) for key, value in attributes.items() if key not in UNSHOWN}
                    found.append(Tested(criterion, groups, part["score"].values, p, q, facts, refused))
    return found


def volcano(tests: list[Tested], truth: Truth | None) -> Figure:
    """One panel per criterion: score against adjusted p. Above the dashed line an expert is associated at the 5 %
    level, over all experts of the model."""
    columns = min(3, len(tests))
    lines = -(-len(tests) // columns)
    with rc_context(STYLE):
        figure = Figure(figsize=(3.4 * columns, 2.7 * lines), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        for axis, test in zip(panels, tests, strict=False):
            _panel(axis, test, truth)
        for axis in panels[len(tests) :]:
            axis.set_axis_off()
        figure.supxlabel("score", fontsize=9)
        figure.supylabel("−log10 adjusted p", fontsize=9)
    return figure


def _panel(axis: Axes, test: Tested, truth: Truth | None) -> None:
    x, y = test.score.ravel(), -np.log10(np.clip(test.p_adjusted.ravel(), 1e-300, 1))
    top = max(float(y.max()), 1.5)
    axis.scatter(x, y, s=12, color=MUTED, linewidths=0)
    if truth is not None:
        planted, decoy = (truth.label == 1).ravel(), truth.decoy.ravel()
        axis.scatter(x[planted], y[planted], s=46, facecolors="none", edgecolors=ACCENT, linewidths=1.4)
        axis.scatter(x[decoy], y[decoy], s=30, marker="x", color=INK, linewidths=1.1)
    axis.axhline(-np.log10(LEVEL), color=SECOND, linewidth=1, linestyle="--")
    axis.axvline(0, color="#e4e7eb", linewidth=0.8, zorder=0)
    axis.set(ylim=(-0.05 * top, top * 1.08))
    axis.set_title(test.criterion, loc="left", fontsize=9, color=INK)
