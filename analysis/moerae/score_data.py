"""Scores of reduce/scores.h5 and their replication. Every part may be absent: it then gives nothing."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import xarray as xr

SCORED = ("ses", "esft", "contrast")  # groups whose [L, K] datasets are scores


def attributes(item: h5py.Group | h5py.Dataset) -> dict[str, object]:
    """As Python values; what HDF5 needs for dimension scales is left out."""
    hidden = ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "DIMENSION_LABELS")
    return {name: _value(value) for name, value in item.attrs.items() if name not in hidden}


def _value(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [_value(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def scores(file: h5py.File) -> xr.Dataset:
    """Every [layer, expert] dataset of ses/, esft/ and contrast/ under its path, with its attributes and, for those of
    its group, theirs."""
    layer, expert = file["layer"][:], file["expert"][:]
    data: dict[str, tuple] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.shape == (len(layer), len(expert)):
            data[name] = (("layer", "expert"), item[:], attributes(item.parent) | attributes(item))

    for part in SCORED:
        if part in file:
            file[part].visititems(lambda name, item, part=part: visit(f"{part}/{name}", item))
    return xr.Dataset(data, {"layer": layer, "expert": expert})


def paths(file: h5py.File) -> dict[str, xr.DataArray]:
    """By set: selection frequency [size, layer, expert]."""
    groups = {name: file[f"ses/{name}/path"] for name in file.get("ses", {}) if "path" in file[f"ses/{name}"]}
    axes = {"layer": file["layer"][:], "expert": file["expert"][:]}
    return {
        name: xr.DataArray(g["frequency"][:], {"size": g["size"][:], **axes}, ("size", "layer", "expert"))
        for name, g in groups.items()
    }


def _defined(group: h5py.Group, key: str) -> np.ndarray:
    """NaN where its mask says that it is undefined."""
    values = group[key][:].astype(float)
    mask = f"{key}_defined"
    return np.where(group[mask][:] != 0, values, np.nan) if mask in group else values


def replication(file: h5py.File) -> pd.DataFrame:
    """One line for each contrast: splits, size of the top that is compared, and mean, lowest and highest over splits of
    the Spearman correlation and the Jaccard index between halves."""
    rows = []
    for criterion, comparisons in file.get("replication", {}).items():
        for groups, content in comparisons.items():
            row: dict[str, object] = {"criterion": criterion, "groups": groups, **attributes(content)}
            for key in ("spearman", "jaccard"):
                values = _defined(content, key)
                row |= {"splits": len(values), key: np.nan, f"{key}_low": np.nan, f"{key}_high": np.nan}
                if len(known := values[~np.isnan(values)]):
                    row |= {key: known.mean(), f"{key}_low": known.min(), f"{key}_high": known.max()}
            rows.append(row)
    return pd.DataFrame(rows)
