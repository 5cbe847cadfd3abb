"""Runs for tests of statistics: prompts with topics, lengths and pairs whose usage is given as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from made_record import write_record
from moerae.files.corpus import Prompt
from moerae.files.shard import SCHEMA
from moerae.routing import CLASSES, FIXED_POINT


@dataclass
class Usage:
    """What a record holds of P prompts: template, prompt and response tokens; routing where tokens matter."""

    count: np.ndarray  # [P, 3, L, K]
    tokens: np.ndarray  # [P, 3]
    top_k: int
    mass: np.ndarray | None = None  # [P, 3, L, K] summed weights; None: each token weighs 1/k
    routing: tuple[np.ndarray, np.ndarray] | None = None  # ids [T, L, k], weights
    layers: list[int] = field(default_factory=list)  # decoder layers; empty: 0 .. L-1

    def __post_init__(self) -> None:
        assert (self.count.sum(3) == (self.tokens * self.top_k)[:, :, None]).all(), "no top-k router counts so"


def from_routing(expert: np.ndarray, weight: np.ndarray, classes: list[np.ndarray], experts: int) -> Usage:
    """`classes`: of the tokens of each prompt, 0 template, 1 prompt, 2 response."""
    _, layers, top_k = expert.shape
    order = np.argsort(expert, axis=-1)
    expert, weight = (np.take_along_axis(a, order, -1) for a in (expert, weight.astype(np.float32)))
    prompt = np.repeat(np.arange(len(classes)), [len(c) for c in classes])
    kind = np.concatenate(classes)
    at = [np.broadcast_to(a[:, None, None], expert.shape) for a in (prompt, kind)]
    at += [np.broadcast_to(np.arange(layers)[None, :, None], expert.shape), expert]
    count = np.zeros((len(classes), len(CLASSES), layers, experts), np.int64)
    mass = np.zeros(count.shape)
    np.add.at(count, tuple(at), 1)
    np.add.at(mass, tuple(at), np.floor(weight.astype(float) * FIXED_POINT + 0.5) / FIXED_POINT)
    tokens = np.stack([np.bincount(c, minlength=3) for c in classes])
    return Usage(count, tokens, top_k, mass, (expert, weight))


def write_run(path: Path, prompts: list[Prompt], usage: Usage, shard_prompts: int = 4096) -> Path:
    """corpus.h5, record/ and the manifest. Prompts of a list are the rows of `usage`."""
    with_tokens = usage.routing is not None
    write_record(
        path,
        prompts,
        lambda file, rows: write_shard(file, usage, slice(rows.start, rows.stop)),
        shard_prompts,
        keep_tokens=with_tokens,
    )
    return path


def write_shard(path: Path, usage: Usage, rows: slice) -> None:
    count, tokens = usage.count[rows], usage.tokens[rows]
    layers, experts = count.shape[2:]
    mass = count / usage.top_k if usage.mass is None else usage.mass[rows]
    with h5py.File(path, "w") as file:
        file["prompt_id"] = np.arange(rows.start, rows.stop, dtype=np.uint64)
        file["layer"] = np.array(usage.layers or range(layers), np.int32)
        file["class"], file["expert"] = np.arange(3, dtype=np.int32), np.arange(experts, dtype=np.int32)
        file["usage/count"] = count.astype(np.uint32)
        file["usage/gate_mass"] = np.rint(mass * FIXED_POINT).astype(np.int64)
        file["usage/tokens"] = tokens.astype(np.uint32)
        if usage.routing is not None:
            before = usage.tokens[: rows.start].sum()
            part = slice(before, before + tokens.sum())
            file["routing/expert"] = usage.routing[0][part].astype(np.uint8)
            file["routing/weight"] = usage.routing[1][part].astype(np.float32)
            file["routing/offset"] = np.concatenate([[0], np.cumsum(tokens.sum(1))]).astype(np.int64)
        file.attrs.update({"schema": SCHEMA, "schema_version": 1, "model_id": "made", "experts": experts})
        file.attrs.update({"top_k": usage.top_k, "stage_hash": "0" * 16, "prompt_equivalent": 1, "complete": 1})
