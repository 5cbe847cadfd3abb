"""Matched random expert sets: as used as the planted ones, and otherwise arbitrary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moerae.planted.measure import Expert

WIDEN = 1.25  # |log ratio| <= log 1.25, widened by as much until three candidates are left
CANDIDATES = 3
TOTAL_RATIO = (0.9, 1.1)


@dataclass(frozen=True)
class Control:
    experts: list[Expert]
    ratio: dict[str, float]  # total of the control / total of the set, per quantity

    @property
    def matched(self) -> bool:
        return all(TOTAL_RATIO[0] <= ratio <= TOTAL_RATIO[1] for ratio in self.ratio.values())


def matched_control(rng: np.random.Generator, experts: list[Expert], used: dict[str, np.ndarray]) -> Control:
    """One control. `used`: quantity -> [L, K], each to be matched; drawn without replacement within layers."""
    table = {name: np.maximum(values, 1e-9) for name, values in used.items()}
    count = next(iter(table.values())).shape[1]
    taken = set(experts)
    chosen: list[Expert] = []
    for i in rng.permutation(len(experts)):
        layer, expert = experts[i]
        free = [e for e in range(count) if (layer, e) not in taken]
        far = [max(abs(np.log(t[layer, e] / t[layer, expert])) for t in table.values()) for e in free]
        reach = np.log(WIDEN)
        while sum(distance <= reach for distance in far) < min(CANDIDATES, len(free)):
            reach += np.log(WIDEN)
        near = [e for e, distance in zip(free, far, strict=True) if distance <= reach]
        pick = (layer, int(rng.choice(near)))
        taken.add(pick)
        chosen.append(pick)
    ratio = {name: float(sum(t[x] for x in chosen) / sum(t[x] for x in experts)) for name, t in table.items()}
    return Control(sorted(chosen), ratio)
