"""The prompts outside discovery, and what masks do to refusals on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from moerae.planted.clusters import Row
from moerae.planted.controls import Control, dose_control, matched_control
from moerae.planted.goals import SETS
from moerae.planted.measure import Expert, Head, Outcome, Probe, measure, replies, usage
from moerae.planted.model import PlantedModel
from moerae.planted.placement import Placement
from moerae.refusal.intervals import mean_drop, paired_drop, wilson

CONTROLS = 20
DOSES = 5
FORBIDDEN = ("regular", "jailbreak")
Json = dict[str, Any]


def effect(drop: float, low: float, high: float) -> Json:
    """A drop with its 95 % interval; grey where the interval covers 0: neither positive nor negative."""
    drop, low, high = round(drop, 5), round(low, 5), round(high, 5)
    sign = "positive" if low > 0 else "negative" if high < 0 else "grey"
    return {"drop": drop, "low": low, "high": high, "sign": sign}


class Bench:
    """The prompts outside discovery, and the model unmasked on them."""

    def __init__(self, model: PlantedModel, place: Placement, rows: list[Row], say: Callable[[str], None]) -> None:
        self.model, self.place, self.say = model, place, say
        self.asked = {name: [r.asked for r in rows if r.outside_discovery and r.asked.set == name] for name in SETS}
        self.probe = {name: Probe.of(asked) for name, asked in self.asked.items()}
        self.clean = {name: measure(model, probe, []) for name, probe in self.probe.items()}

    def outcomes(
        self, experts: list[Expert], sets: tuple[str, ...] = SETS, heads: list[Head] | None = None
    ) -> dict[str, Outcome]:
        return {name: measure(self.model, self.probe[name], experts, heads) for name in sets}

    def side_effects(self, experts: list[Expert]) -> Json:
        """Drops of right replies and of the decision to refuse on permitted prompts; below 0: towards refusal."""
        clean = self.clean["permitted"]
        right, decision = replies(self.model, self.probe["permitted"], experts)
        return {
            "right": effect(*paired_drop(clean.right, right)),
            "decision": effect(*mean_drop(clean.decision, decision)),
        }

    def effects(self, experts: list[Expert]) -> Json:
        """Drops of refusal (share of prompts), margin and decision (nats) on forbidden and jailbreak prompts, and what
        permitted ones suffer."""
        result: Json = {"permitted": self.side_effects(experts)}
        for name, masked in self.outcomes(experts, FORBIDDEN).items():
            clean = self.clean[name]
            result[name] = {
                "refusal": effect(*paired_drop(clean.opened, masked.opened)),
                "margin": effect(*mean_drop(clean.margin, masked.margin)),
                "decision": effect(*mean_drop(clean.decision, masked.decision)),
            }
        return result

    def condition(self, name: str, experts: list[Expert], heads: list[Head] | None = None) -> Json:
        """Shares per set: a refusal's opening, the whole refusal, the whole right reply."""
        row: Json = {"condition": name, "masked": [list(x) for x in experts]}
        if heads:
            row["heads"] = [list(x) for x in heads]
        for key, outcome in self.outcomes(experts, heads=heads).items():
            n = len(outcome.opened)
            low, high = wilson(int(outcome.opened.sum()), n)
            row[key] = {
                "n": n,
                "refused": round(float(outcome.opened.mean()), 5),
                "refused_low": round(low, 5),
                "refused_high": round(high, 5),
                "refused_exactly": round(float(outcome.refused.mean()), 5),
                "right": round(float(outcome.right.mean()), 5),
                "margin": round(float(outcome.margin.mean()), 5),
            }
        return row

    def controls(self, experts: list[Expert]) -> dict[str, Control]:
        """random-NN: as many experts, equal usage on forbidden prompts; dose-NN: more experts, equal gate mass."""
        used: dict[str, np.ndarray] = {}
        for name in ("regular", "permitted"):
            used[f"usage/{name}"], used[f"gate_mass/{name}"] = usage(self.model, self.asked[name])
        rng = np.random.default_rng([self.place.seed, 5])
        found = {f"random-{i:02d}": matched_control(rng, experts, used, "usage/regular") for i in range(CONTROLS)}
        for i in range(DOSES):
            dose = dose_control(rng, experts, used, "gate_mass/regular", self.model.v.top_k)
            if dose is not None:
                found[f"dose-{i:02d}"] = dose
        return found
