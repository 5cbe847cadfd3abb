"""Recorded routing against golden routing, token by token and layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import support
from moerae.files.golden import Golden
from numpy.typing import NDArray

MARGIN = 1e-5  # below it float32 cannot say which of two experts comes first
EXCUSED = 1e-3  # share of (token, layer) that may be left out for it
TOLERANCE = 1e-5  # relative to the root mean square of a layer's values


@dataclass
class Routing:
    """What the shards of a run hold, rows in the order of the corpus (and of `Golden`)."""

    layer: NDArray[np.int32]
    expert: NDArray[np.int64]  # [T, L, k]
    weight: NDArray[np.float64]  # [T, L, k]
    logits: NDArray[np.float64]  # [T, L, K]
    usage: dict[int, tuple[NDArray[np.int64], ...]]  # prompt -> count [3, L, K], gate_mass [3, L, K], tokens [3]


def recorded(run: Path) -> Routing:
    rows: dict[int, tuple[NDArray, ...]] = {}
    usage = {}
    for path in support.shards(run):
        with h5py.File(path, "r") as file:
            assert file.attrs["complete"] == 1, path
            layer = file["layer"][()]
            parts = [file[f"routing/{name}"][()] for name in ("expert", "weight", "logits")]
            counted = [file[f"usage/{name}"][()].astype(np.int64) for name in ("count", "gate_mass", "tokens")]
            offset = file["routing/offset"][()]
            for i, prompt in enumerate(file["prompt_id"][()].tolist()):
                assert prompt not in rows, f"prompt {prompt} was recorded twice"
                rows[prompt] = tuple(part[offset[i] : offset[i + 1]] for part in parts)
                usage[prompt] = tuple(part[i] for part in counted)
    assert rows, f"{run} has no shard"
    expert, weight, logits = (np.concatenate([rows[prompt][part] for prompt in sorted(rows)]) for part in range(3))
    return Routing(layer, expert.astype(np.int64), weight.astype(float), logits.astype(float), usage)


def excused(golden: Golden, flipped: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[T, L] -> [T, L]: flips too close to call, and what attends to them in higher layers (the rest of the row)."""
    out = flipped & (golden.margin < MARGIN)
    for start, end in pairwise(golden.offset):
        reached = np.logical_or.accumulate(out[start:end], axis=0)  # a token attends to itself and to earlier ones
        below = np.logical_or.accumulate(reached, axis=1)[:, :-1]
        out[start:end, 1:] |= below
    return out


def scale(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """[T, L, n] -> [1, L, 1]: root mean square of a layer."""
    return np.sqrt((values.astype(float) ** 2).mean(axis=(0, 2), keepdims=True))


def assert_equal(golden: Golden, run: Path, precise: Callable[[], Golden] | None = None) -> dict[str, float]:
    """Asserts parity in float32; returns the share left out and the largest deviations in units of the scale.

    On some processors the reference itself is off by about the tolerance: two computations that are each so far from
    the truth may be twice as far from each other. `precise` gives the reference in float64 and is asked only where the
    tolerance does not hold.
    """
    found = recorded(run)
    assert found.layer.tolist() == golden.layer.tolist(), "`layer` must hold the decoder index of each MoE layer"
    assert found.expert.shape == golden.expert.shape and found.logits.shape == golden.logits.shape
    assert (np.diff(found.expert, axis=-1) > 0).all(), "ids must ascend within a token"
    flipped = (found.expert != golden.expert).any(axis=-1)
    left_out = excused(golden, flipped)
    wrong = np.argwhere(flipped & ~left_out)
    assert not len(wrong), f"{len(wrong)} decisions differ; (token, layer index) {wrong[:5].tolist()}"
    share = float(left_out.mean())
    assert share <= EXCUSED, f"{share:.4%} left out for near ties, more than {EXCUSED:.1%}"
    worst = {"left_out": share}
    for name, got, want in (("weight", found.weight, golden.weight), ("logits", found.logits, golden.logits)):
        error = np.abs(got - want) / scale(want)
        worst[name] = float(error[~left_out].max())
        limit = TOLERANCE
        if worst[name] > TOLERANCE and precise is not None:
            truth = precise()
            assert (truth.expert == golden.expert).all(), "the reference decides otherwise in float64"
            own = np.abs(want - getattr(truth, name)) / scale(want)
            limit = max(TOLERANCE, 2 * float(own[~left_out].max()))
        assert worst[name] <= limit, f"{name} off by {worst[name]:.2e} of its scale, more than {limit:.2e}"
    return worst


def assert_usage(run: Path, corpus: Path) -> None:
    """Usage must be exactly what the routing of the same shards adds up to, class by class."""
    found = recorded(run)
    experts = found.logits.shape[-1]
    with h5py.File(corpus, "r") as file:
        offset, response, content = (file[f"{n}offset"][()] for n in ("", "response_", "content_"))
    assert sorted(found.usage) == list(range(len(found.usage)))
    for prompt, (count, gate_mass, tokens) in found.usage.items():
        position = np.arange(offset[prompt], offset[prompt + 1])
        inside = (position >= content[prompt, 0]) & (position < content[prompt, 1])
        kind = np.where(position >= response[prompt], 2, np.where(inside, 1, 0))
        assert tokens.tolist() == np.bincount(kind, minlength=3).tolist(), f"classes of prompt {prompt}"
        want_count, want_mass = np.zeros_like(count), np.zeros_like(gate_mass)
        expert = found.expert[position]  # [t, L, k]
        layer = np.arange(expert.shape[1])[None, :, None]
        index = (kind[:, None, None], layer, expert)
        np.add.at(want_count, index, 1)
        np.add.at(want_mass, index, np.floor(found.weight[position] * 2.0**32 + 0.5).astype(np.int64))
        assert count.shape == (3, expert.shape[1], experts)
        assert (count == want_count).all(), f"usage/count of prompt {prompt}"
        assert (gate_mass == want_mass).all(), f"usage/gate_mass of prompt {prompt}"


def differences(golden: Golden, run: Path) -> dict[str, float]:
    """What bfloat16 costs: the share of decisions with the same experts, and deviations where they are the same."""
    found = recorded(run)
    same = (found.expert == golden.expert).all(axis=-1)
    weight = np.abs(found.weight - golden.weight)[same]
    logits = (np.abs(found.logits - golden.logits) / scale(golden.logits))[same]
    return {
        "same experts": float(same.mean()),
        "weight max": float(weight.max()),
        "weight mean": float(weight.mean()),
        "logits max / rms": float(logits.max()),
    }
