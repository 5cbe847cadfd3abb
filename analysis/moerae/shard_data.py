"""What is read from files of a run, one file at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xarray as xr

from moerae.errors import DataError
from moerae.shard_file import CLASSES, FIXED_POINT

USAGE = ("count", "gate_mass", "tokens")


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file opened to read; whatever goes wrong with it is a DataError naming it."""
    try:
        with h5py.File(path, "r") as file:
            if int(file.attrs.get("complete", 0)) != 1:
                raise DataError(f"{path}: not complete, its writer was stopped; repeat the command that writes it")
            yield file
    except (OSError, KeyError, RuntimeError, ValueError, IndexError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); missing, damaged, or not what this version writes; run `moerae "
            "verify`, remove the file and repeat the command that wrote it"
        ) from None


def _rows(path: Path, ids: np.ndarray, corpus: pd.DataFrame) -> pd.DataFrame:
    unknown = ids[~np.isin(ids, corpus.index)]
    if len(unknown):
        raise DataError(f"{path}: prompt {unknown[0]} is not in corpus.h5; the shard is of another study")
    return corpus.loc[ids]


def shard_usage(path: Path, corpus: pd.DataFrame, sets: list[str] | None) -> xr.Dataset:
    """count, gate_mass [prompt, class, layer, expert] and tokens [prompt, class] of the prompts of some sets."""
    with reading(path) as file:
        ids = file["prompt_id"][:]
        labels = _rows(path, ids, corpus)["set"]
        rows = np.arange(len(ids)) if sets is None else np.flatnonzero(labels.isin(sets))
        dims = ("prompt", "class", "layer", "expert")
        data = {name: (dims[: file[f"usage/{name}"].ndim], file[f"usage/{name}"][:][rows]) for name in USAGE}
        data["gate_mass"] = (dims, data["gate_mass"][1] / FIXED_POINT)
        axes = {"prompt": ids[rows], "class": list(CLASSES), "layer": file["layer"][:], "expert": file["expert"][:]}
        return xr.Dataset(data, axes, {"model": file.attrs["model_id"], "top_k": int(file.attrs["top_k"])})


def shard_last_logits(path: Path) -> xr.DataArray:
    """Router logits [prompt, layer, expert] of the last token before the reply; NaN where a prompt has none."""
    with reading(path) as file:
        if "routing/last_logits" not in file:
            raise DataError(f"{path}: no logits of last tokens; they need a record made with record.logits = last")
        axes = {"prompt": file["prompt_id"][:], "layer": file["layer"][:], "expert": file["expert"][:]}
        return xr.DataArray(file["routing/last_logits"][:], axes, ("prompt", "layer", "expert"))


def shard_routing(path: Path, corpus: pd.DataFrame) -> xr.Dataset:
    """expert_id and weight [token, layer, slot], logits [token, layer, expert] where recorded; prompt, position in it
    and class of each token are coordinates. Ids ascend within a token, weights are the ones applied."""
    with reading(path) as file:
        if "routing/expert" not in file:
            raise DataError(f"{path}: usage only; routing of tokens needs a record made with record.routing = true")
        group, ids = file["routing"], file["prompt_id"][:]
        offset, layers = group["offset"][:], file["layer"][:]
        last = {"expert": "slot", "weight": "slot", "logits": "expert"}
        data = {name: (("token", "layer", dim), group[name][:]) for name, dim in last.items() if name in group}
    data["expert_id"] = data.pop("expert")
    lengths = np.diff(offset)
    row = _rows(path, ids, corpus).loc[np.repeat(ids, lengths)]
    position = np.arange(offset[-1]) - np.repeat(offset[:-1], lengths)
    content = (position >= row["content_begin"]) & (position < row["content_end"])
    code = np.where(position >= row["response_begin"], 2, np.where(content, 1, 0))
    tokens = {"prompt": row.index, "position": position, "class": np.array(CLASSES)[code]}
    return xr.Dataset(data, {"layer": layers, **{name: ("token", np.asarray(v)) for name, v in tokens.items()}})
