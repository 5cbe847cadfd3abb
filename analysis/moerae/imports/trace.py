"""A routing trace in memory, whatever its format was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xxhash

from moerae.errors import DataError
from moerae.files.corpus import SET_NAME, Prompt
from moerae.routing import Routing, position_classes, validate


@dataclass
class Trace:
    """Routing of prompts under one model, and what is known of them: labels, clusters, the span of the user's text and
    the beginning of the reply, from which the class of every token follows."""

    model: str
    layers: np.ndarray  # decoder index of each MoE layer
    experts: int
    routing: Routing
    prompts: list[Prompt]
    has_tokens: bool = False  # whether `tokens` of the prompts are ids; else ranges that tell their length

    @property
    def shape(self) -> dict:
        """What all traces of one run must share, and what the stage hash is made of."""
        top_k = int(self.routing.expert.shape[-1])
        shape = {"model": self.model, "layers": self.layers.tolist(), "experts": self.experts, "top_k": top_k}
        optional = {"tokens": self.has_tokens, "logits": self.routing.logits is not None}
        return shape | {name: True for name, present in optional.items() if present}

    @property
    def classes(self) -> np.ndarray:
        """[T], see position_classes."""
        content = np.array([prompt.content for prompt in self.prompts])
        response = [len(p.tokens) if p.response is None else p.response for p in self.prompts]
        return position_classes(self.routing.offset, content, np.array(response))

    def check(self, name: str) -> None:
        """DataError, naming the trace, where its parts cannot belong together."""
        validate(self.routing, self.experts, name)
        lengths = np.diff(self.routing.offset).tolist()
        if len(self.layers) != self.routing.expert.shape[1]:
            layers = self.routing.expert.shape[1]
            raise DataError(f"{name}: {len(self.layers)} layers are named, the routing has {layers}")
        if [len(prompt.tokens) for prompt in self.prompts] != lengths:
            raise DataError(f"{name}: its prompts have other lengths than their routing; both count every token")
        for row, prompt in enumerate(self.prompts):
            end = len(prompt.tokens) if prompt.response is None else prompt.response
            if not 0 <= prompt.content[0] <= prompt.content[1] <= end <= len(prompt.tokens):
                raise DataError(
                    f"{name}: prompt {row}: text {prompt.content} and reply from {prompt.response} do not follow one "
                    f"another within its {len(prompt.tokens)} tokens"
                )
            if not SET_NAME.fullmatch(prompt.set):
                raise DataError(f"{name}: prompt {row}: {prompt.set!r} cannot name a set; use letters, digits, . _ - +")


def cluster_of(label: str, key: int | str) -> int:
    """The cluster of a goal that a trace calls `key`: the same whatever else the run holds."""
    return xxhash.xxh3_64_intdigest(f"{label}\0{key}".encode()) >> 1  # 63 bits: `cluster` is signed


def unlabelled(lengths: np.ndarray, label: str) -> list[Prompt]:
    """Prompts of which no more is known than their lengths: a set `label`, each its own cluster, all of it content, for
    discovery."""
    return [
        Prompt(range(n), label, cluster_of(label, row), (0, n), split=0, source=label, source_row=row)
        for row, n in enumerate(map(int, lengths))
    ]
