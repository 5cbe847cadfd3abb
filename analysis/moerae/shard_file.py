"""record/shard-NNNNNN.h5 written from Python: by imports, for which there is no forward pass."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np

from moerae import __version__
from moerae.errors import DataError
from moerae.publish import publishing

SCHEMA = "moerae.routing/1"
CLASSES = ("template", "prompt", "response")
FIXED_POINT = 2**32  # gate mass is an integer number of 2^-32


@dataclass
class Routing:
    """Routing of some prompts, tokens of all prompts one after the other."""

    expert: np.ndarray  # integer [T, L, k]
    weight: np.ndarray  # float32 or float16 [T, L, k], as applied
    offset: np.ndarray  # int64 [P + 1] into T

    def sorted(self) -> Routing:
        """Ids ascending within a token, weights with them."""
        order = np.argsort(self.expert, axis=-1, kind="stable")
        expert, weight = (np.take_along_axis(a, order, axis=-1) for a in (self.expert, self.weight))
        return Routing(expert, weight, self.offset)


def usage(routing: Routing, experts: int) -> tuple[np.ndarray, np.ndarray]:
    """count uint32 and gate mass int64 (units of 2^-32), both [P, L, K]."""
    layers = routing.expert.shape[1]
    count = np.zeros((len(routing.offset) - 1, layers, experts), np.uint32)
    mass = np.zeros(count.shape, np.int64)
    row = np.broadcast_to(np.arange(layers)[None, :, None], routing.expert.shape)
    # llround: halves away from zero; np.rint would take them to even
    fixed = np.floor(routing.weight.astype(np.float64) * FIXED_POINT + 0.5).astype(np.int64)
    for p, (start, end) in enumerate(zip(routing.offset[:-1], routing.offset[1:], strict=True)):
        index = row[start:end], routing.expert[start:end]
        np.add.at(count[p], index, 1)
        np.add.at(mass[p], index, fixed[start:end])
    return count, mass


def validate(routing: Routing, experts: int, name: str) -> None:
    """Routing that a top-k router can have made: known ids, no id twice in a token, finite weights >= 0."""
    if routing.expert.size and int(routing.expert.max()) >= experts:
        worst = int(routing.expert.max())
        raise DataError(f"{name}: expert id {worst}, but the model has {experts} experts (0..{experts - 1})")
    if (np.diff(np.sort(routing.expert.astype(np.int32), axis=-1), axis=-1) == 0).any():
        raise DataError(f"{name}: an expert is selected twice for one token and layer; this is no top-k routing")
    if not (np.isfinite(routing.weight).all() and (routing.weight >= 0).all()):
        raise DataError(f"{name}: a gate weight is negative or not finite")


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
