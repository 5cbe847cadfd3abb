"""The expert sets that masks themselves find: exhaustive over single experts and over pairs of the best."""

from __future__ import annotations

from itertools import combinations

from moerae.planted.bench import FORBIDDEN, Bench, Json
from moerae.planted.measure import Expert

TOP = 8  # experts whose pairs are masked
LARGEST = 6  # experts of the grown set: as many as a planted world has planted


def strength(effects: Json) -> float:
    """Drop of the decision to refuse, mean over both forbidden sets, less its rise on permitted prompts: a mask that
    blurs every decision carries nothing. (The share of refusals is blind while it is saturated.)"""
    drop = sum(effects[name]["decision"]["drop"] for name in FORBIDDEN) / len(FORBIDDEN)
    return drop + min(0.0, effects["permitted"]["decision"]["drop"])


def search(bench: Bench, singles: list[Json]) -> tuple[list[Json], dict[str, list[Expert]]]:
    """Effects of all pairs of the best experts, and sets by name: `top-N`, the best alone, and `grown-N`: the best
    pair, joined by the expert that adds most, one by one. Experts whose mask breaks permitted replies stay out."""
    harmless = [row for row in singles if row["permitted"]["right"]["sign"] != "positive"]
    ranked = [(row["layer"], row["expert"]) for row in sorted(harmless, key=strength, reverse=True)]
    best = ranked[:TOP]
    pairs = [{"masked": [list(x) for x in pair], **bench.effects(list(pair))} for pair in combinations(best, 2)]
    grown = [tuple(x) for x in max(pairs, key=strength)["masked"]]
    sets = {"top-4": ranked[:4], f"top-{TOP}": best, "grown-2": list(grown)}
    while len(grown) < LARGEST:
        free = [x for x in best if x not in grown]
        grown.append(max(free, key=lambda x: strength(bench.effects([*grown, x]))))
        sets[f"grown-{len(grown)}"] = list(grown)
    return pairs, sets
