"""Measured effects of single experts of any model -> truth.json, against which `report --truth` sets every criterion.

    moerae attribute STUDY.ini --attribute.criteria single_mask --attribute.split validation
    python -m moerae truth RUN --forbidden regular,jailbreak --permitted permitted --out truth.json

Every expert was masked by itself; its effect is what that takes off the refusal margin, in nats, on prompts that should
be refused, and beside it on permitted ones: an expert whose mask moves both does not carry refusal alone.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import xarray as xr

from moerae.errors import ConfigError, DataError
from moerae.files.publish import publishing
from moerae.reader import open_run
from moerae.refusal.intervals import Z
from moerae.refusal.paired import totals

MEASURE = "single_mask"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="run with attributions by single_mask")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="truth.json")
    parser.add_argument("--forbidden", required=True, metavar="SET[,SET]", help="prompt sets that should be refused")
    parser.add_argument("--permitted", default="", metavar="SET[,SET]", help="prompt sets that should be answered")
    parser.add_argument("--attribute", metavar="FOLDER", help="attributions, where the run has several")


def run(args: argparse.Namespace) -> int:
    if not args.run.is_dir():
        raise DataError(f"{args.run}: no such run directory")
    opened = open_run(args.run, attribute=args.attribute)
    document = truth_of(opened.attributions, *(_names(words) for words in (args.forbidden, args.permitted)))
    document["model"] = {"run": args.run.resolve().name}
    with publishing(args.out) as temporary:
        temporary.write_text(json.dumps(document) + "\n")
    positive = sum(row["forbidden"]["margin"]["sign"] == "positive" for row in document["experts"])
    print(f"{args.out}: {len(document['experts'])} experts, masking {positive} of them lowers the margin (95 %)")
    if "discovery" in document["measured"]["splits"]:
        print("measured on the discovery split, on which experts are selected: in-sample; attribute.split = validation")
    return 0


def _names(words: str) -> list[str]:
    return [name.strip() for name in words.split(",") if name.strip()]


def truth_of(found: xr.Dataset, forbidden: list[str], permitted: list[str]) -> dict:
    """`found`: Run.attributions. The document; effects have the 95 % interval of a mean over clusters."""
    if MEASURE not in found:
        raise ConfigError(
            f"the attributions are by {', '.join(map(str, found.data_vars))}; truth is measured one expert at a time: "
            f"run `moerae attribute` with attribute.criteria = {MEASURE}"
        )
    parts = {"forbidden": _of(found, forbidden)}
    if permitted:
        parts["permitted"] = _of(found, permitted)
    effects = {name: _effects(part) for name, part in parts.items()}
    experts = [
        {"layer": int(layer), "expert": int(expert), "role": None}
        | {name: {"margin": of[i][j]} for name, of in effects.items()}
        for i, layer in enumerate(found["layer"].values)
        for j, expert in enumerate(found["expert"].values)
    ]
    measured = {
        "prompts": {name: part.sizes["prompt"] for name, part in parts.items()},
        "sets": {"forbidden": forbidden, "permitted": permitted},
        "splits": sorted({str(split) for part in parts.values() for split in part["split"].values}),
        "margin": "mean log p of refusing openings less that of complying ones, teacher-forced, nats",
        "interval": "95 %, of a mean over clusters",
    }
    labels = {"labels": "margin", "sets": ["forbidden"], "planted": [], "decoys": []}
    name = f"masked one by one, {'/'.join(forbidden)}"
    return {"schema": "moerae.truth/1", "name": name, **labels, "measured": measured, "experts": experts}


def _of(found: xr.Dataset, sets: list[str]) -> xr.Dataset:
    known = sorted({str(name) for name in found["set"].values})
    if unknown := [name for name in sets if name not in known]:
        raise ConfigError(f"no prompt of the set {unknown[0]} was attributed; there are {', '.join(known)}")
    part = found.isel(prompt=np.isin(found["set"].values, sets))
    if len(np.unique(part["cluster"].values)) < 2:
        raise DataError(f"{', '.join(sets)}: one cluster of prompts; an interval needs more")
    return part


def _effects(part: xr.Dataset) -> list[list[dict]]:
    """[layer][expert]: mean drop of the margin; clusters are what varies."""
    drops, clusters = part[MEASURE].values.astype(float), part["cluster"].values
    size = totals(np.ones(len(clusters)), clusters)
    mean = drops.mean(0)
    residual = np.stack([totals(column, clusters) for column in (drops - mean).reshape(len(drops), -1).T], 1)
    error = np.sqrt(len(size) / (len(size) - 1) * (residual**2).sum(0)).reshape(mean.shape) / len(drops)
    return [
        [effect(m, m - Z * e, m + Z * e) for m, e in zip(*line, strict=True)] for line in zip(mean, error, strict=True)
    ]


def effect(drop: float, low: float, high: float) -> dict[str, float | str]:
    """A drop with its interval; grey where that covers 0: neither positive nor negative."""
    drop, low, high = (round(float(value), 5) for value in (drop, low, high))
    return {
        "drop": drop,
        "low": low,
        "high": high,
        "sign": "positive" if low > 0 else "negative" if high < 0 else "grey",
    }
