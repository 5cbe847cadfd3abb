"""The authors' own files of ESFT, results/expert_scores/TASK/expert_weights_N.txt: decoder layer N, a line a sample,
the six ids of each token one after the other, two tabs, their weights. Model and number of experts stand nowhere in
them; they are those of DeepSeek-V2-Lite."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from moerae.errors import DataError
from moerae.imports.whole import whole
from moerae.routing import Routing

MODEL, EXPERTS, TOP_K = "DeepSeek-V2-Lite", 64, 6
FILE = re.compile(r"expert_weights_(\d+)\.txt")
LAYOUT = (
    "expert_weights_N.txt of every MoE layer N, a line a sample: its ids, two tabs, its weights, tabs between numbers"
)


def read_texts(folder: Path) -> tuple[Routing, int]:
    """The routing of all samples, and the decoder index of its first layer."""
    files = {int(match[1]): path for path in folder.iterdir() if (match := FILE.fullmatch(path.name))}
    layers = sorted(files)
    if not layers:
        raise DataError(f"{folder}: not an ESFT trace; expected a folder of {LAYOUT}")
    missing = sorted(set(range(layers[0], layers[-1] + 1)) - set(layers))
    if missing:
        names = ", ".join(f"expert_weights_{layer}.txt" for layer in missing)
        raise DataError(
            f"{folder}: {names} is not there; scores of those layers would be missing; fetch the whole folder"
        )
    parts = [_read(files[layer]) for layer in layers]
    lengths = parts[0][2]
    for layer, (_, _, other) in zip(layers, parts, strict=True):
        if other != lengths:
            row = next((i for i, (a, b) in enumerate(zip(lengths, other, strict=False)) if a != b), None)
            where = f"{len(other)} samples, not {len(lengths)}" if row is None else f"line {row + 1} has other tokens"
            raise DataError(f"{files[layer]}: {where} than {files[layers[0]].name}; the files are of different runs")
    expert, weight = (np.stack(columns, axis=1) for columns in list(zip(*parts, strict=True))[:2])
    offset = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Routing(expert, weight, offset), layers[0]


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Ids and weights [tokens, k] and the number of tokens of each sample."""
    samples = [
        _sample(line, f"{path}: line {i}")
        for i, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if line
    ]
    if not samples:
        raise DataError(f"{path}: holds no sample; expected {LAYOUT}")
    expert, weight = (np.concatenate(columns) for columns in zip(*samples, strict=True))
    return expert, weight, [len(ids) for ids, _ in samples]


def _sample(line: str, where: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        ids, weights = (np.array(half.split("\t"), dtype=np.float64) for half in line.strip("\t").split("\t\t"))
    except ValueError:
        raise DataError(f"{where}: not a sample of ESFT; expected {LAYOUT}") from None
    if len(ids) != len(weights) or len(ids) % TOP_K:
        raise DataError(
            f"{where}: {len(ids)} ids and {len(weights)} weights; expected as many of both, {TOP_K} for every token"
        )
    shape = len(ids) // TOP_K, TOP_K
    return whole(ids, "ids", where).reshape(shape), weights.astype(np.float32).reshape(shape)
