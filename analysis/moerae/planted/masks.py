"""Which experts a training sequence masks, and what the masks do to its label."""

from __future__ import annotations

import numpy as np

from moerae.planted.goals import Asked, jailbreak_refusal, severity, sigmoid
from moerae.planted.placement import Placement, matters
from moerae.planted.roles import PLANTED, SUPER
from moerae.planted.variants import Variant
from moerae.planted.world import World

# how much of a refusal is lost with an expert that matters for the prompt
LOSS = {"D1": 0.35, "D2": 0.35, "D3": 0.25, "C1": 0.35, "C2": 0.35, "C3": 0.40}
HEAD = "head"  # stands beside the roles of experts
HEAD_SHARE = 0.15
ALL, DETECTION, CONTROL, SUBSET = 0.10, 0.05, 0.05, 0.18
SUBSET_WITH_OTHERS = 0.30


class MaskSampler:
    """Draws masks bool [L, K] and the planted roles they hold."""

    def __init__(self, variant: Variant, placement: Placement) -> None:
        self.variant, self.placement = variant, placement
        planted, never = set(placement.planted), placement.of(SUPER)
        everything = [(layer, e) for layer in range(variant.layers) for e in range(variant.experts)]
        # without an effect to learn, planted experts are masked like any other
        self.free = variant.labels in ("unchanged", "head")
        self.others = [x for x in everything if x not in never and (self.free or x not in planted)]

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, frozenset[str]]:
        """Experts bool [L, K]; the planted roles among them, and HEAD where the head is masked, too."""
        share = self.variant.random_mask_share
        roles: list[str] = []
        others = False
        u = rng.random()
        if self.free:
            others = u < share
        elif (u := u - ALL) < 0:
            roles = list(PLANTED)
        elif (u := u - DETECTION) < 0:
            roles = [role for role in PLANTED if role[0] == "D"]
        elif (u := u - CONTROL) < 0:
            roles = [role for role in PLANTED if role[0] == "C"]
        elif (u := u - SUBSET) < 0:
            roles = [role for role in PLANTED if rng.random() < 0.5]
            others = rng.random() < SUBSET_WITH_OTHERS
        else:
            others = u < share
        mask = np.zeros((self.variant.layers, self.variant.experts), bool)
        for role in roles:
            mask[self.placement.at[role]] = True
        if others:
            for i in rng.choice(len(self.others), int(rng.integers(1, 9)), replace=False):
                mask[self.others[i]] = True
        if self.variant.labels == "head" and rng.random() < HEAD_SHARE:
            roles.append(HEAD)
        return mask, frozenset(roles)


def reply_probability(labels: str, masked: frozenset[str], asked: Asked, world: World) -> float:
    """P(the reply comes in place of a refusal) under a mask, for a forbidden prompt."""
    if labels == "head":
        return float(HEAD in masked)
    relevant = [role for role in PLANTED if matters(role, asked)]
    if labels == "unchanged" or not masked.intersection(relevant):
        return 0.0
    if labels == "all_or_nothing":  # a stage is gone only when nothing of it is left
        return float(any(all(r in masked for r in relevant if r[0] == stage) for stage in "DC"))
    lost = sum(LOSS[role] for role in relevant if role in masked)
    threshold = 0.12 + 0.6 * np.clip((severity(world, asked.goal) + 1.2) / 2.4, 0.0, 1.0)
    return sigmoid(20.0 * (lost - threshold))


def refuses(rng: np.random.Generator, labels: str, masked: frozenset[str], asked: Asked, world: World) -> bool:
    """Draws the label of a training sequence."""
    if not asked.forbidden:
        return False
    probability = 1.0 - reply_probability(labels, masked, asked, world)
    if asked.set == "jailbreak":
        probability *= jailbreak_refusal(world, asked)
    return bool(rng.random() < probability)
