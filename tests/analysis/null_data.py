"""Data without a difference between two groups, in ways that fool a careless test.

Every study draws one comparison: rows (clusters, one prompt each) of group a and of group b whose routing does not
depend on the group, given topic and length.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

LAYERS, K, TOP, TOPICS = 2, 16, 2, 4
LENGTHS = np.array([6, 8, 11, 15, 20, 27, 36, 48])  # eight: one for each eighth, so that strata are exact


@dataclass
class Rows:
    """One prompt per cluster; `cluster` numbers repeat where a cluster has a prompt in both groups."""

    in_a: np.ndarray  # bool [n]
    cluster: np.ndarray  # [n]
    topic: np.ndarray  # [n], -1 unknown
    tokens: np.ndarray  # [n]
    count: np.ndarray  # [n, L, K]
    top_k: int = TOP


def draw_counts(rng: np.random.Generator, rates: np.ndarray, tokens: np.ndarray, top_k: int) -> np.ndarray:
    """Selections [n, L, K] of `top_k` different experts per token with inclusion `rates` [n, L, K] (sum top_k, each
    below 1): systematic sampling in a random order of experts."""
    n, layers, experts = rates.shape
    count = np.zeros(rates.shape, np.int64)
    for i in range(n):
        order = rng.permutation(experts)
        edges = np.concatenate([np.zeros((layers, 1)), np.cumsum(rates[i][:, order], axis=1)], axis=1)
        edges[:, -1] = top_k
        start = rng.random((tokens[i], layers, 1))
        count[i][:, order] = np.diff(np.floor(edges[None] - start), axis=2).sum(0)
    return count


def rates(rng: np.random.Generator, topic: np.ndarray, length: np.ndarray, spread: float = 0.4) -> np.ndarray:
    """Inclusion [n, L, K] that depends on topic and on length, and differs between clusters: tokens are no unit."""
    world = np.random.default_rng(7)  # the same model in every comparison
    of_topic = world.normal(0, 0.6, (TOPICS, LAYERS, K))
    of_length = world.normal(0, 0.5, (LAYERS, K))
    z = (np.log(length) - np.log(LENGTHS).mean()) / np.log(LENGTHS).std()
    level = of_topic[topic] + of_length * z[:, None, None] + rng.normal(0, spread, (len(topic), LAYERS, K))
    share = np.exp(level)
    share /= share.sum(2, keepdims=True)
    for _ in range(30):  # inclusion below 1: what is over goes to the others
        share = np.minimum(share, 0.9 / TOP)
        share /= share.sum(2, keepdims=True)
    return TOP * share


def _synthetic(
    rng: np.random.Generator, in_a: np.ndarray, cluster: np.ndarray, topic: np.ndarray, length: np.ndarray
) -> Rows:
    counts = draw_counts(rng, rates(rng, topic, length), length, TOP)
    return Rows(in_a, cluster, topic, length, counts)


def random_split(rng: np.random.Generator, n: int = 64) -> Rows:
    """Clusters of one kind in two random halves."""
    topic, length = rng.integers(0, TOPICS, n), rng.choice(LENGTHS, n)
    return _synthetic(rng, rng.permutation(n) < n // 2, np.arange(n), topic, length)


def pairs(rng: np.random.Generator, n: int = 32) -> Rows:
    """Every cluster has a prompt in both groups, of the same topic and its own length."""
    topic, length = np.repeat(rng.integers(0, TOPICS, n), 2), rng.choice(LENGTHS, 2 * n)
    return _synthetic(rng, np.arange(2 * n) % 2 == 0, np.repeat(np.arange(n), 2), topic, length)


def long_labels(rng: np.random.Generator, n: int = 96) -> Rows:
    """The longer, the more likely in group a."""
    topic, at = rng.integers(0, TOPICS, n), rng.integers(0, len(LENGTHS), n)
    return _synthetic(rng, rng.random(n) < np.linspace(0.15, 0.85, len(LENGTHS))[at], np.arange(n), topic, LENGTHS[at])


def hot_topics(rng: np.random.Generator, n: int = 96) -> Rows:
    """Group a has most prompts of some topics."""
    topic, length = rng.integers(0, TOPICS, n), rng.choice(LENGTHS, n)
    return _synthetic(rng, rng.random(n) < np.linspace(0.2, 0.8, TOPICS)[topic], np.arange(n), topic, length)


def long_against_short(rng: np.random.Generator, n: int = 64) -> Rows:
    """All long prompts against all short ones: within a length nothing can be exchanged."""
    topic, length = rng.integers(0, TOPICS, n), np.repeat(LENGTHS, n // len(LENGTHS))
    return _synthetic(rng, length > np.median(length), np.arange(n), topic, length)


def permuted_experts(rng: np.random.Generator, n: int = 40) -> Rows:
    """All in group a; experts change their numbers in every prompt and layer: none is used more than another."""
    rows = random_split(rng, n)
    rows.in_a[:] = True
    rows.count = rng.permuted(rows.count, axis=2)
    return rows


@dataclass
class Trace:
    """Routing of published prompts, a sample of layers."""

    count: np.ndarray  # [n, L, K]
    tokens: np.ndarray  # [n]
    top_k: int

    @classmethod
    def read(cls, path: Path, layers: int = 6) -> Trace:
        with h5py.File(path) as file:
            edges, experts = file["sample_offset"][:], int(file.attrs["num_experts"])
            total = file["expert"].shape[1]
            expert = file["expert"][:, np.linspace(0, total - 1, layers).astype(int)].astype(np.int64)
        assert edges[0] == 0 and edges[-1] == len(expert)
        starts, ends = edges[:-1], edges[1:]
        count = np.zeros((len(starts), layers, experts), np.int64)
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            for layer in range(layers):
                count[i, layer] = np.bincount(expert[start:end, layer].ravel(), minlength=experts)
        return cls(count, ends - starts, expert.shape[2])

    def rows(self, in_a: np.ndarray) -> Rows:
        n = len(self.tokens)
        return Rows(in_a, np.arange(n), np.full(n, -1), self.tokens, self.count, self.top_k)

    def random_split(self, rng: np.random.Generator) -> Rows:
        n = len(self.tokens)
        return self.rows(rng.permutation(n) < n // 2)

    def long_labels(self, rng: np.random.Generator) -> Rows:
        rank = np.argsort(np.argsort(self.tokens, kind="stable"), kind="stable") / (len(self.tokens) - 1)
        return self.rows(rng.random(len(rank)) < 0.15 + 0.7 * rank)

    def long_against_short(self, rng: np.random.Generator) -> Rows:
        rank = np.argsort(np.argsort(self.tokens, kind="stable"), kind="stable")
        return self.rows(rank >= len(rank) // 2)
