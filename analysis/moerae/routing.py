"""Routing of prompts in memory: who was selected with what weight, and what usage follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moerae.errors import DataError

CLASSES = ("template", "prompt", "response")  # of positions
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
