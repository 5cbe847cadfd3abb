"""record/shard-NNNNNN.h5. The program writes them; imports, for which there is no forward pass, write theirs here."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
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
from moerae.routing import CLASSES, FIXED_POINT, Routing, position_classes, usage

SCHEMA = "moerae.routing/1"
USAGE = ("count", "gate_mass", "tokens")


def write_shard(
    path: Path,
    prompt_id: np.ndarray,
    layers: np.ndarray,
    experts: int,
    routing: Routing,
    classes: np.ndarray,
    attributes: dict[str, str | int],
) -> None:
    """One shard, published atomically; `classes` [T] are those of the tokens."""
    routing = routing.sorted()
    used = usage(routing, experts, classes)
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
        axes = ("prompt_id", "class", "layer", "expert")
        for name, values in (("count", used.count), ("gate_mass", used.gate_mass)):
            # statistics read by layer: one layer a chunk; where only one of three classes is filled, deflate makes
            # these a tenth
            rows = max(1, min(len(values), 2**17 // (values.itemsize * len(CLASSES) * experts)))
            options = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
            options["chunks"] = (rows, len(CLASSES), 1, experts)
            _attach(file.create_dataset(f"usage/{name}", data=values, **options), axes)
        file["usage/tokens"] = used.tokens
        _attach(file["usage/tokens"], axes[:2])
        file["routing/expert"] = routing.expert.astype(np.uint8 if experts <= 256 else np.uint16)
        file["routing/weight"] = routing.weight
        file["routing/offset"] = routing.offset.astype(np.int64)
        for name in ("expert", "weight"):
            _attach(file[f"routing/{name}"], (None, "layer"))
        if routing.logits is not None:
            file["routing/logits"] = routing.logits
            _attach(file["routing/logits"], (None, "layer", "expert"))
        file.attrs.update(provenance())
        file.attrs.update({"schema": SCHEMA, "schema_version": 1, "prompt_equivalent": 1, "experts": experts})
        file.attrs.update({"top_k": int(routing.expert.shape[-1]), **attributes, "complete": 1})


def _attach(dataset: h5py.Dataset, scales: Sequence[str | None]) -> None:
    for axis, scale in enumerate(scales):
        if scale is not None:
            dataset.dims[axis].attach_scale(dataset.file[scale])


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
    rows, lengths = _rows(path, ids, corpus), np.diff(offset)
    code = position_classes(
        offset, rows[["content_begin", "content_end"]].to_numpy(), rows["response_begin"].to_numpy()
    )
    position = np.arange(offset[-1]) - np.repeat(offset[:-1], lengths)
    tokens = {"prompt": np.repeat(ids, lengths), "position": position, "class": np.array(CLASSES)[code]}
    return xr.Dataset(data, {"layer": layers, **{name: ("token", np.asarray(v)) for name, v in tokens.items()}})
