"""record/shard-NNNNNN.h5. The program writes them; imports, for which there is no forward pass, write theirs here."""

from __future__ import annotations

import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xarray as xr

from moerae import __version__
from moerae.errors import DataError
from moerae.files.hdf5 import reading
from moerae.files.publish import publishing
from moerae.routing import CLASSES, FIXED_POINT, Routing, usage

SCHEMA = "moerae.routing/1"
USAGE = ("count", "gate_mass", "tokens")


def write_shard(
    path: Path,
    prompt_id: np.ndarray,
    layers: np.ndarray,
    experts: int,
    routing: Routing,
    attributes: dict[str, str | int],
    position_class: int = 1,
) -> None:
    """One shard, published atomically; every token counts in one class (1 = prompt)."""
    routing = routing.sorted()
    count, mass = usage(routing, experts)
    lengths = np.diff(routing.offset)
    shape = (len(prompt_id), len(CLASSES), len(layers), experts)
    with publishing(path) as temporary, h5py.File(temporary, "w") as file:
        scales = {
            "prompt_id": np.asarray(prompt_id, np.uint64),
            "layer": np.asarray(layers, np.int32),
            "class": np.arange(len(CLASSES), dtype=np.int32),
            "expert": np.arange(experts, dtype=np.int32),
        }
        for name, values in scales.items():
            file[name] = values
            file[name].make_scale(name)
        file["class"].attrs.create("categories", CLASSES, dtype=h5py.string_dtype())
        for name, dtype, values in (("count", np.uint32, count), ("gate_mass", np.int64, mass)):
            full = np.zeros(shape, dtype)
            full[:, position_class] = values
            # statistics read by layer: one layer a chunk; three classes of which one is filled: deflate makes
            # these a tenth
            rows = max(1, min(shape[0], 2**17 // (full.itemsize * shape[1] * shape[3])))
            options = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
            options["chunks"] = (rows, shape[1], 1, shape[3])
            dataset = file.create_dataset(f"usage/{name}", data=full, **options)
            for axis, scale in enumerate(scales):
                dataset.dims[axis].attach_scale(file[scale])
        tokens = np.zeros(shape[:2], np.uint32)
        tokens[:, position_class] = lengths
        file["usage/tokens"] = tokens
        for axis, scale in enumerate(("prompt_id", "class")):
            file["usage/tokens"].dims[axis].attach_scale(file[scale])
        file["routing/expert"] = routing.expert.astype(np.uint8 if experts <= 256 else np.uint16)
        file["routing/weight"] = routing.weight
        file["routing/offset"] = (routing.offset - routing.offset[0]).astype(np.int64)
        for name in ("expert", "weight"):
            file[f"routing/{name}"].dims[1].attach_scale(file["layer"])
        file.attrs.update(provenance())
        file.attrs.update({"schema": SCHEMA, "schema_version": 1, "prompt_equivalent": 1, "experts": experts})
        file.attrs.update({"top_k": int(routing.expert.shape[-1]), **attributes, "complete": 1})


def provenance() -> dict[str, str | int]:
    """Root attributes that say where and when; one process wrote the file, whatever wrote the routing."""
    return {
        "created_utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "version": __version__,
        "git_commit": "",
        "git_dirty": 0,
        "command_line": json.dumps(["python", "-m", "moerae", *sys.argv[1:]]),
        "host": platform.node(),
        "slurm_job": "",
        "rank": 0,
        "ranks": 1,
        "grid": "1x1",
    }


def _rows(path: Path, ids: np.ndarray, corpus: pd.DataFrame) -> pd.DataFrame:
    unknown = ids[~np.isin(ids, corpus.index)]
    if len(unknown):
        raise DataError(f"{path}: prompt {unknown[0]} is not in corpus.h5; the shard is of another study")
    return corpus.loc[ids]


def read_usage(path: Path, corpus: pd.DataFrame, sets: list[str] | None) -> xr.Dataset:
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


def read_last_logits(path: Path) -> xr.DataArray:
    """Router logits [prompt, layer, expert] of the last token before the reply; NaN where a prompt has none."""
    with reading(path) as file:
        if "routing/last_logits" not in file:
            raise DataError(f"{path}: no logits of last tokens; they need a record made with record.logits = last")
        axes = {"prompt": file["prompt_id"][:], "layer": file["layer"][:], "expert": file["expert"][:]}
        return xr.DataArray(file["routing/last_logits"][:], axes, ("prompt", "layer", "expert"))


def read_routing(path: Path, corpus: pd.DataFrame) -> xr.Dataset:
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
