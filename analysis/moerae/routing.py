"""Routing of prompts in memory: who was selected with what weight, and what usage follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moerae.errors import DataError

CLASSES = ("template", "prompt", "response")  # of positions
WEIGHT_LIMIT = 1e6  # what readers of shards accept
FIXED_POINT = 2**32  # gate mass is an integer number of 2^-32


@dataclass
class Routing:
    """Routing of P prompts, tokens of all prompts one after the other."""

    expert: np.ndarray  # integer [T, L, k]
    weight: np.ndarray  # float32 or float16 [T, L, k], as applied
    offset: np.ndarray  # int64 [P + 1] into T
    logits: np.ndarray | None = None  # float32 or float16 [T, L, K], raw

    def sorted(self) -> Routing:
        """Ids ascending within a token, weights with them."""
        order = np.argsort(self.expert, axis=-1, kind="stable")
        expert, weight = (np.take_along_axis(a, order, axis=-1) for a in (self.expert, self.weight))
        return Routing(expert, weight, self.offset, self.logits)

    def part(self, first: int, last: int) -> Routing:
        """Of the prompts first .. last - 1."""
        offset = self.offset[first : last + 1]
        rows = slice(offset[0], offset[-1])
        logits = None if self.logits is None else self.logits[rows]
        return Routing(self.expert[rows], self.weight[rows], offset - offset[0], logits)


@dataclass
class Usage:
    """By prompt and class of position."""

    count: np.ndarray  # uint32 [P, C, L, K]
    gate_mass: np.ndarray  # int64 [P, C, L, K], units of 2^-32
    tokens: np.ndarray  # uint32 [P, C]


def position_classes(offset: np.ndarray, content: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Index into CLASSES of every token [T]: `content` [P, 2] is the user's text, the reply begins at `response` [P];
    both count from the start of the prompt."""
    prompt = np.repeat(np.arange(len(offset) - 1), np.diff(offset))
    position = np.arange(offset[0], offset[-1]) - offset[prompt]
    begin, end = content[prompt].T
    inside = (position >= begin) & (position < end)
    return np.where(position >= response[prompt], 2, np.where(inside, 1, 0)).astype(np.uint8)


def usage(routing: Routing, experts: int, classes: np.ndarray) -> Usage:
    """Of tokens of these classes [T]."""
    offset, layers = routing.offset, routing.expert.shape[1]
    count = np.zeros((len(offset) - 1, len(CLASSES), layers, experts), np.uint32)
    mass, tokens = np.zeros(count.shape, np.int64), np.zeros(count.shape[:2], np.uint32)
    prompt = np.repeat(np.arange(len(count)), np.diff(offset))
    np.add.at(tokens, (prompt, classes), 1)
    index = (*(of[:, None, None] for of in (prompt, classes)), np.arange(layers)[:, None], routing.expert)
    np.add.at(count, index, 1)
    # llround: halves away from zero; np.rint would take them to even
    np.add.at(mass, index, np.floor(routing.weight.astype(np.float64) * FIXED_POINT + 0.5).astype(np.int64))
    return Usage(count, mass, tokens)


def validate(routing: Routing, experts: int, name: str) -> None:
    """Routing that a top-k router can have made: known ids, no id twice in a token, finite weights >= 0."""
    expert, weight, offset, logits = routing.expert, routing.weight, routing.offset, routing.logits
    if expert.ndim != 3 or expert.shape != weight.shape:
        raise DataError(f"{name}: expert {expert.shape} and weight {weight.shape} must both be [tokens, layers, k]")
    if len(offset) < 2 or offset[0] != 0 or offset[-1] != len(expert) or (np.diff(offset) <= 0).any():
        raise DataError(f"{name}: the offsets of its prompts must rise from 0 to {len(expert)}, the number of tokens")
    if logits is not None and logits.shape != (*expert.shape[:2], experts):
        raise DataError(
            f"{name}: logits {logits.shape} must be [tokens, layers, experts] = {expert.shape[:2]}, {experts}"
        )
    outside = expert[(expert < 0) | (expert >= experts)]
    if outside.size:
        raise DataError(
            f"{name}: expert id {int(outside[0])}, but the model has {experts} experts (0..{experts - 1}); "
            f"{outside.size} of {expert.size} ids are outside; padding? leave padded tokens out"
        )
    if (np.diff(np.sort(expert.astype(np.int64), axis=-1), axis=-1) == 0).any():
        raise DataError(f"{name}: an expert is selected twice for one token and layer; this is no top-k routing")
    wrong = ~np.isfinite(weight) | (weight < 0) | (weight >= WEIGHT_LIMIT)
    if wrong.any():
        raise DataError(
            f"{name}: {int(wrong.sum())} of {weight.size} gate weights are negative, not finite or above "
            f"{WEIGHT_LIMIT:.0e}; no router gives them"
        )
