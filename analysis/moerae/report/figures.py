"""Figures of the report. Colours are readable with colour-blind eyes and in print; every mark differs in shape, too."""

from __future__ import annotations

import numpy as np
from matplotlib import rc_context
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from xarray import DataArray

from moerae.criteria import Criterion
from moerae.report.truth import Truth

INK, MUTED, ACCENT, SECOND = "#1f2933", "#7b8794", "#b3401f", "#1f5fa8"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "legend.frameon": False,
}
SHOWN_PATHS = 400  # lines of a stability path that are drawn


def _new(width: float, height: float, columns: int = 1) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def _size(layers: int, experts: int) -> tuple[float, float]:
    """Inches: cells as square as the page allows."""
    cell = float(np.clip(7.2 / experts, 0.055, 0.34))
    return 1.6 + max(experts * cell, 3.2), 0.75 + max(layers * cell, 0.9)


def heat_map(criterion: Criterion, layers: list[int], truth: Truth | None) -> Figure:
    """Layer x expert. Signed scores around 0 (orange more, purple less); rings and crosses as the truth has them."""
    values = criterion.values
    with rc_context(STYLE):
        figure, (axis,) = _new(*_size(*values.shape))
        if criterion.signed:
            limit = float(np.abs(values).max()) or 1.0
            image = axis.imshow(values, aspect="auto", cmap="PuOr_r", vmin=-limit, vmax=limit, interpolation="nearest")
        else:
            image = axis.imshow(values, aspect="auto", cmap="cividis", vmin=0, interpolation="nearest")
        if truth is not None:
            for mask, marker, size in (truth.rings, "o", 70), (truth.decoy, "x", 28):
                rows, columns = np.nonzero(mask)
                faces = {"facecolors": "none"} if marker == "o" else {}
                for colour, width in ("white", 3.4), ("black", 1.4):  # readable on dark and on bright cells
                    edge = {"edgecolors": colour} if marker == "o" else {"color": colour}
                    axis.scatter(columns, rows, s=size, marker=marker, linewidths=width, **faces, **edge)
        step = max(1, len(layers) // 12)
        axis.set_yticks(range(0, len(layers), step), [str(layer) for layer in layers[::step]])
        step = max(1, values.shape[1] // 16)
        axis.set_xticks(range(0, values.shape[1], step))
        axis.spines[:].set_visible(False)
        axis.set(xlabel="expert", ylabel="layer")
        figure.colorbar(image, ax=axis, fraction=0.03, pad=0.01).outline.set_visible(False)
    return figure


def stability_path(name: str, path: DataArray, rule: dict, truth: Truth | None) -> Figure:
    """How often each expert is among the N most used of its layer (scope model: of all), against N; how many are so at
    least tau often. `rule`: top (N), scope and threshold (tau) of the selection."""
    sizes, threshold, scope = path["size"].values, rule["threshold"], rule["scope"]
    kept = sizes * (1 if scope == "model" else path.sizes["layer"])
    lines = path.values.reshape(len(sizes), -1).T  # [L*K, A]
    with rc_context(STYLE):
        figure, (left, right) = _new(8.4, 2.9, 2)
        marked = (truth.label == 1).ravel() if truth is not None else np.zeros(len(lines), bool)
        # those that are neither always nor never in: the ones a path is about
        unsure = np.argsort(-(lines * (1 - lines)).sum(1), kind="stable")
        drawn = np.array([i for i in unsure if not marked[i]][:SHOWN_PATHS], int)
        for index, colour, width in (drawn, "#9aa5b1", 0.6), (np.flatnonzero(marked), ACCENT, 1.6):
            segments = [np.column_stack([sizes, line]) for line in lines[index]]
            left.add_collection(LineCollection(segments, colors=colour, linewidths=width))
        left.axhline(threshold, color=SECOND, linewidth=1, linestyle="--")
        left.text(sizes[0], threshold, f" τ = {threshold:g}", color=SECOND, va="top", ha="left")
        right.plot(sizes, (lines >= threshold - 1e-12).sum(0), color=INK, marker="o", markersize=3, linewidth=1.2)
        for axis in (left, right):
            axis.axvline(rule["top"], color=SECOND, linewidth=1, linestyle=":")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        left.set(xlim=(sizes[0], max(sizes[-1], sizes[0] + 1)), ylim=(0, 1.02))
        left.set(xlabel=f"N, experts kept per {scope}", ylabel="selection frequency")
        title = f"{name}: every expert" + (" (red: positive in the truth)" if marked.any() else "")
        left.set_title(title, loc="left", fontsize=9, color=INK)
        right.plot(sizes, kept, color=MUTED, linewidth=0.8, linestyle="--")
        right.text(sizes[-1], kept[-1], "all that are kept  ", color=MUTED, ha="right", va="top")
        right.set(xlabel=f"N, experts kept per {scope}", ylabel="experts", ylim=(0, None))
        right.set_title("selected at least τ often", loc="left", fontsize=9, color=INK)
    return figure


def against_truth(rows: list[dict], positives: int, total: int) -> Figure:
    """AUROC and average precision of every criterion, with intervals; the vertical line is chance."""
    names = [row["criterion"] for row in rows]
    y = np.arange(len(rows))[::-1]
    with rc_context(STYLE):
        figure, axes = _new(9.2, 0.9 + 0.24 * len(rows), 2)
        panels = (("auroc", "AUROC", 0.5), ("average_precision", "average precision", positives / total))
        for axis, (metric, title, chance) in zip(axes, panels, strict=True):
            value, low, high = (np.array([row[metric + end] for row in rows]) for end in ("", "_low", "_high"))
            axis.hlines(y, low, high, color=MUTED, linewidth=1.2)
            axis.plot(value, y, "o", color=ACCENT, markersize=5)
            axis.axvline(chance, color=SECOND, linewidth=1, linestyle=":")
            axis.set(xlim=(0, 1.02), ylim=(-0.7, len(rows) - 0.3))
            axis.set_title(title, loc="left", fontsize=9, color=INK)
            axis.grid(axis="x", color="#e4e7eb", linewidth=0.6)
            axis.set_axisbelow(True)
        axes[0].set_yticks(y, names)
        axes[1].set_yticks(y, [""] * len(rows))
    return figure


def agreement(names: list[str], matrix: np.ndarray, lowest: float = -1) -> Figure:
    """A matrix of agreement, `lowest` to 1; empty cells are undefined."""
    with rc_context(STYLE):
        side = 3.6 + 0.24 * len(names)
        figure, (axis,) = _new(side + 0.6, side)
        colours = "PuOr_r" if lowest < 0 else "cividis"
        image = axis.imshow(matrix, cmap=colours, vmin=lowest, vmax=1, interpolation="nearest")
        axis.set_xticks(range(len(names)), names, rotation=90)
        axis.set_yticks(range(len(names)), names)
        axis.spines[:].set_visible(False)
        figure.colorbar(image, ax=axis, fraction=0.03, pad=0.01).outline.set_visible(False)
    return figure
