"""Clusters: all prompts of one goal, the statistical unit. Prompts that share a key share a cluster."""

from __future__ import annotations

import xxhash


def stable_id(key: str) -> int:
    """63 bits of a hash: the same in every corpus, whatever else is in it and in which order."""
    return xxhash.xxh3_64_intdigest(key.encode()) >> 1


def cluster_ids(keys: list[list[str]]) -> list[int]:
    """One id for each list of keys; lists joined by common keys get one id, the smallest hash of all their keys."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, *others in keys:
        root(first)
        for other in others:
            parent[root(other)] = root(first)
    smallest: dict[str, int] = {}
    for key in list(parent):
        top = root(key)
        smallest[top] = min(stable_id(key), smallest.get(top, 1 << 63))
    return [smallest[root(first)] for first, *_ in keys]
