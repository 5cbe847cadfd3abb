"""Made usage of two groups in which topic and behaviour shift the experts by known amounts; top-1."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np
from moerae.files.topic_counts import Counts, Side


@dataclass
class World:
    """Cluster c has topic c mod `topics` and prompts in both groups. Effects are on the log of a share."""

    clusters: int = 80
    topics: int = 4
    layers: int = 3
    experts: int = 8
    topic_effect: float = 0
    behaviour_effect: float = 0
    cluster_effect: float = 0
    goal_effect: float = 0  # the same for both groups of a cluster
    tokens: int = 60
    seed: int = 1

    @property
    def topic(self) -> np.ndarray:
        """[C]"""
        return np.arange(self.clusters) % self.topics

    def log_shares(self) -> np.ndarray:
        """Of topics as a whole [2 groups, T, L, K], up to a constant in each layer."""
        rng = np.random.default_rng(self.seed)
        topics = self.topic_effect * rng.normal(size=(self.topics, self.layers, self.experts))
        behaviour = np.zeros((2, 1, self.layers, self.experts))
        behaviour[0, ..., 2], behaviour[1, ..., 2] = self.behaviour_effect, -self.behaviour_effect
        return topics + behaviour

    def counts(self, rng: np.random.Generator) -> np.ndarray:
        """One sample of clusters and tokens from the world [2, C, L, K]."""
        size = (self.clusters, self.layers, self.experts)
        log = self.log_shares()[:, self.topic] + self.cluster_effect * rng.normal(size=(2, *size))
        return rng.multinomial(self.tokens, shares(log + self.goal_effect * rng.normal(size=size)))


def shares(log: np.ndarray) -> np.ndarray:
    return np.exp(log) / np.exp(log).sum(-1, keepdims=True)


def stored(
    count: np.ndarray,
    topic: np.ndarray,
    rng: np.random.Generator,
    *,
    tokens: int = 60,
    splits: int = 20,
    top_k: int = 1,
    names: tuple[str, str] = ("harm", "help"),
) -> Counts:
    """What reduce would store of clusters [2 groups, C, L, K] that all stand in both groups, with topics [C], -1
    unknown: each topic is halved, the two sides of a cluster stand in one half."""
    clusters, least = len(topic), 6
    in_part = np.ones((splits + 1, clusters), bool)
    for part in in_part[1:]:
        order = np.lexsort((rng.random(clusters), topic))
        part[order[1::2]] = False
    topics = np.array([t for t in np.unique(topic[topic >= 0]) if (topic == t).sum() >= least], np.int32)
    cells = np.stack([np.ones(clusters, bool), *(topic == t for t in topics)])
    member = cells[:, None] & in_part
    sides = (
        Side(
            name,
            int((topic >= 0).sum()),
            topics,
            cells.sum(1),
            member.sum(2) * tokens,
            np.einsum("tsc,clk->tslk", member.astype(np.int64), of),
        )
        for name, of in zip(names, count, strict=True)
    )
    order = rng.permutation(clusters)
    pairs = (np.tile(topic[order], (2, 1)), np.full((2, clusters), tokens), count[:, order])
    return Counts(tuple(sides), *pairs, top_k, least)


def write(group: h5py.Group, counts: Counts) -> None:
    """As reduce does."""
    group.attrs.update({"top_k": counts.top_k, "min_clusters": counts.least})
    for key, side in zip("ab", counts.sides, strict=True):
        part = group.create_group(key)
        part.attrs.update({"name": side.name, "with_topic": side.with_topic})
        part["topic"], part["clusters"], part["tokens"] = side.topics, side.clusters, side.tokens
        part["count"] = side.count.astype(np.uint32)
    group["pairs/topic"], group["pairs/tokens"] = counts.pair_topics.astype(np.int32), counts.pair_tokens
    group["pairs/count"] = counts.pair_count.astype(np.uint32)
