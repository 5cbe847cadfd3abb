"""Figures of a suite: how well criteria find the planted experts, over corpora sizes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from moerae.report.figures import INK, MUTED, STYLE

DRAWN = 6  # criteria that stand out; the rest is grey
# readable with colour-blind eyes; markers and dashes differ, too
LINES = (
    ("#b3401f", "o", "-"),
    ("#1f5fa8", "s", "-"),
    ("#0b7a5d", "^", "-"),
    ("#7a3e9d", "D", "--"),
    ("#8a6d00", "v", "--"),
    ("#1f2933", "P", ":"),
)
PANELS = (("auroc", "AUROC", 0.5), ("average_precision", "average precision", 0.0))  # chance or zero at the foot


def leaders(summary: pd.DataFrame, reference: str, size: int) -> list[str]:
    """The reference and the best others by AUROC at one size, the best first."""
    at = summary[(summary["metric"] == "auroc") & (summary["size"] == size)]
    names = at.sort_values("mean", ascending=False, kind="stable")["name"].tolist()
    others = [name for name in names if name != reference]
    return sorted([*others[: DRAWN - 1], reference], key=names.index)


def learning_curves(summary: pd.DataFrame, sizes: list[int], drawn: list[str]) -> Figure:
    """One variant: mean over seeds against discovery clusters per set; bars are 95 % of the mean over seeds."""
    with rc_context(STYLE):
        figure = Figure(figsize=(9.2, 3.6), layout="constrained")
        axes = figure.subplots(1, 2)
        x = np.arange(len(sizes))
        for axis, (metric, title, foot) in zip(axes, PANELS, strict=True):
            part = summary[summary["metric"] == metric]
            lines = {name: rows.set_index("size").reindex(sizes) for name, rows in part.groupby("name")}
            for name, line in lines.items():
                if name not in drawn:
                    axis.plot(x, line["mean"], color="#d5dae0", linewidth=0.7, zorder=1)
            for number, (name, (colour, marker, dash)) in enumerate(zip(drawn, LINES, strict=False)):
                line = lines[name]
                place = x + 0.03 * (number - len(drawn) / 2)  # bars side by side
                low, high = line["mean"] - line["low"], line["high"] - line["mean"]
                style = {"color": colour, "marker": marker, "linestyle": dash, "markersize": 4, "linewidth": 1.2}
                axis.errorbar(place, line["mean"], [low.fillna(0), high.fillna(0)], **style, elinewidth=0.8, label=name)
            axis.set_xticks(x, [str(size or "all") for size in sizes])
            axis.set(xlabel="discovery clusters per set", ylim=(foot, 1.01))
            axis.set_title(title, loc="left", fontsize=9, color=INK)
            axis.grid(axis="y", color="#e4e7eb", linewidth=0.6)
            axis.set_axisbelow(True)
            axis.tick_params(colors=MUTED, labelcolor=INK)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    return figure
