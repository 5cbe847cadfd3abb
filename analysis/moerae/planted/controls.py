"""Control expert sets: as used as the planted ones, and otherwise arbitrary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moerae.planted.measure import Expert

WIDEN = 1.25  # |log ratio| <= log 1.25, widened by as much until three candidates are left
CANDIDATES = 3
TOTAL_RATIO = (0.9, 1.1)
TRIES = 300
Usage = dict[str, np.ndarray]  # quantity -> [L, K]


@dataclass(frozen=True)
class Control:
    experts: list[Expert]
    ratio: dict[str, float]  # total of the control / total of the set, per quantity

    @property
    def matched(self) -> list[str]:
        """The quantities whose totals agree. Planted experts carry more gate mass than any six others can."""
        return [name for name, ratio in self.ratio.items() if TOTAL_RATIO[0] <= ratio <= TOTAL_RATIO[1]]


def control_of(chosen: list[Expert], experts: list[Expert], used: Usage) -> Control:
    ratio = {name: float(sum(t[x] for x in chosen) / sum(t[x] for x in experts)) for name, t in used.items()}
    return Control(sorted(chosen), ratio)


def draw_within_layers(rng: np.random.Generator, experts: list[Expert], table: np.ndarray) -> list[Expert]:
    """For each expert another one of its layer with similar use, without replacement."""
    taken, chosen = set(experts), []
    for i in rng.permutation(len(experts)):
        layer, expert = experts[i]
        free = [e for e in range(table.shape[1]) if (layer, e) not in taken]
        far = [abs(np.log(max(table[layer, e], 1e-9) / max(table[layer, expert], 1e-9))) for e in free]
        reach = np.log(WIDEN)
        while sum(distance <= reach for distance in far) < min(CANDIDATES, len(free)):
            reach += np.log(WIDEN)
        near = [e for e, distance in zip(free, far, strict=True) if distance <= reach]
        chosen.append((layer, int(rng.choice(near))))
        taken.add(chosen[-1])
    return chosen


def matched_control(rng: np.random.Generator, experts: list[Expert], used: Usage, match: str) -> Control:
    """As many experts in the same layers, matched in the quantity `match`: the first of 300 draws whose total agrees,
    otherwise the nearest."""
    best = None
    for _ in range(TRIES):
        control = control_of(draw_within_layers(rng, experts, used[match]), experts, used)
        if match in control.matched:
            return control
        if best is None or abs(np.log(control.ratio[match])) < abs(np.log(best.ratio[match])):
            best = control
    return best


def dose_control(rng: np.random.Generator, experts: list[Expert], used: Usage, match: str, keep: int) -> Control | None:
    """More experts of the same layers with the same total of `match`; at least `keep` stay free in each layer.

    None where the layers do not hold so much.
    """
    table = used[match]
    goal = sum(table[x] for x in experts)
    layers = sorted({layer for layer, _ in experts})
    pool = [(layer, e) for layer in layers for e in range(table.shape[1]) if (layer, e) not in experts]
    for _ in range(TRIES):
        chosen: list[Expert] = []
        for i in rng.permutation(len(pool)):
            chosen.append(pool[i])
            if sum(table[x] for x in chosen) >= TOTAL_RATIO[0] * goal:
                break
        control = control_of(chosen, experts, used)
        masked = np.bincount([layer for layer, _ in chosen], minlength=table.shape[0])
        if match in control.matched and masked.max() <= table.shape[1] - keep:
            return control
    return None
