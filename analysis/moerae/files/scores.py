"""reduce/scores.h5: scores, their replication and the counts behind topic x behaviour. Every part may be absent: it
then gives nothing."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xarray as xr

from moerae.files.hdf5 import attributes, reading
from moerae.files.topic_counts import Counts, of_group

SCORED = ("ses", "esft", "contrast")  # groups whose [L, K] datasets are scores


def read_facts(path: Path) -> dict[str, object]:
    """What made the scores: the attributes of the file."""
    with reading(path) as file:
        return attributes(file)


def read_study(path: Path) -> dict:
    """The study of the scores, {section: {key: value}}; empty where a maker of scores wrote none."""
    with reading(path) as file:
        return json.loads(str(file.attrs.get("config", "{}")) or "{}")


def read_scores(path: Path) -> xr.Dataset:
    """Every [layer, expert] dataset of ses/, esft/ and contrast/ under its path, with its attributes and, for those of
    its group, theirs."""
    with reading(path) as file:
        layer, expert = file["layer"][:], file["expert"][:]
        data: dict[str, tuple] = {}

        def visit(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and item.shape == (len(layer), len(expert)):
                data[name] = (("layer", "expert"), item[:], attributes(item.parent) | attributes(item))

        for part in SCORED:
            if part in file:
                file[part].visititems(lambda name, item, part=part: visit(f"{part}/{name}", item))
        return xr.Dataset(data, {"layer": layer, "expert": expert})


def read_paths(path: Path) -> dict[str, xr.DataArray]:
    """Stability paths by set: selection frequency [size, layer, expert], size = experts selected per layer."""
    dims = ("size", "layer", "expert")
    with reading(path) as file:
        groups = {name: of["path"] for name, of in file.get("ses", {}).items() if "path" in of}
        axes = {"layer": file["layer"][:], "expert": file["expert"][:]}
        return {
            name: xr.DataArray(group["frequency"][:], {"size": group["size"][:], **axes}, dims)
            for name, group in groups.items()
        }


def read_replication(path: Path) -> pd.DataFrame:
    """One line for each contrast: splits, size of the top that is compared, and mean, lowest and highest over splits of
    the Spearman correlation and the Jaccard index between halves."""
    with reading(path) as file:
        return pd.DataFrame(
            {"criterion": criterion, "groups": groups, **attributes(content), **_over_splits(content)}
            for criterion, comparisons in file.get("replication", {}).items()
            for groups, content in comparisons.items()
        )


def _over_splits(content: h5py.Group) -> dict[str, object]:
    row: dict[str, object] = {}
    for key in ("spearman", "jaccard"):
        values = _defined(content, key)
        row |= {"splits": len(values), key: np.nan, f"{key}_low": np.nan, f"{key}_high": np.nan}
        if len(known := values[~np.isnan(values)]):
            row |= {key: known.mean(), f"{key}_low": known.min(), f"{key}_high": known.max()}
    return row


def _defined(group: h5py.Group, key: str) -> np.ndarray:
    """NaN where its mask says that it is undefined."""
    values = group[key][:].astype(float)
    mask = f"{key}_defined"
    return np.where(group[mask][:] != 0, values, np.nan) if mask in group else values


def read_topic_counts(path: Path) -> dict[str, Counts]:
    """By comparison."""
    with reading(path) as file:
        return {name: of_group(group) for name, group in file.get("topic_behaviour", {}).items()}
