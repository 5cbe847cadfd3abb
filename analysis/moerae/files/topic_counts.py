"""The counts that reduce stores of one comparison of topic x behaviour: topic_behaviour/<a>-vs-<b> of scores.h5."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np


@dataclass
class Side:
    """One group of prompts: its topics [T], and of T + 1 cells (all clusters, then one topic each) how many clusters
    they have, tokens [T+1, S+1] and counts [T+1, S+1, L, K] of all of them and of the first halves of S splits."""

    name: str
    with_topic: int  # clusters whose topic is known
    topics: np.ndarray
    clusters: np.ndarray
    tokens: np.ndarray
    count: np.ndarray


@dataclass
class Counts:
    """Clusters with prompts in both groups stand in random order."""

    sides: tuple[Side, Side]
    pair_topics: np.ndarray  # [2, M], -1 unknown
    pair_tokens: np.ndarray  # [2, M]
    pair_count: np.ndarray  # [2, M, L, K]
    top_k: int
    least: int  # clusters of a topic, and units of a row of single clusters


def of_group(group: h5py.Group) -> Counts:
    sides = (
        Side(
            str(part.attrs["name"]),
            int(part.attrs["with_topic"]),
            *(part[key][:] for key in ("topic", "clusters", "tokens", "count")),
        )
        for part in (group["a"], group["b"])
    )
    pairs = (group[f"pairs/{key}"][:] for key in ("topic", "tokens", "count"))
    return Counts(tuple(sides), *pairs, int(group.attrs["top_k"]), int(group.attrs["min_clusters"]))
