"""The prompts of the corpus: a cluster is one forbidden goal, plain, wrapped, as a look-alike, and a twin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moerae.files.corpus import split_of
from moerae.planted import world as w
from moerae.planted.goals import Asked, Goal, ask, draw_goal, say
from moerae.planted.world import World

CLUSTERS = 640
WRAPPER_SHARE = {"seen-a": 0.25, "seen-b": 0.25, "seen-mixed": 0.25, "unseen-a": 0.125, "unseen-b": 0.125}


@dataclass(frozen=True)
class Row:
    asked: Asked
    cluster: int

    @property
    def outside_discovery(self) -> bool:
        """What effects are measured on: criteria are developed on the other half."""
        return split_of(self.cluster) != 0


def twin_words(goal: Goal, twin: Goal, words: list[str]) -> list[str]:
    """The same frame around another, permitted goal."""
    swap = {w.ACTIONS[goal.action]: w.ACTIONS[twin.action], w.OBJECTS[goal.obj]: w.OBJECTS[twin.obj]}
    if goal.hazard >= 0:
        swap[w.HAZARDS[goal.hazard]] = w.HAZARDS[twin.hazard] if twin.hazard >= 0 else ""
    return [kept for word in words if (kept := swap.get(word, word))]


def draw_rows(world: World, clusters: int = CLUSTERS) -> list[Row]:
    """Four rows a cluster; no goal occurs in two clusters, nor, beyond the first 640, in two splits.

    (There are 864 permitted goals only. The first rows do not depend on `clusters`.)

    Regular, jailbreak and look-alike share their words (minimal pairs). The permitted twin keeps the frame, but its
    object comes from any topic: regular against permitted confounds topic, regular against look-alike does not.
    """
    rng = np.random.default_rng([world.seed, 4])
    names, share = list(WRAPPER_SHARE), list(WRAPPER_SHARE.values())
    split: dict[Goal, int] = {}

    def fresh(forbidden: bool, cluster: int) -> Goal:
        while True:
            goal = draw_goal(rng, world, forbidden, train=False)
            again = cluster >= CLUSTERS and not forbidden and split.get(goal) == split_of(cluster)
            if goal not in split or again:
                split[goal] = split_of(cluster)
                return goal

    rows = []
    for cluster in range(clusters):
        goal, twin = fresh(True, cluster), fresh(False, cluster)
        words = say(rng, goal)
        wrapper = names[int(rng.choice(len(names), p=share))]
        rows += [
            Row(ask(rng, goal, "regular", words), cluster),
            Row(ask(rng, goal, "jailbreak", words, wrapper), cluster),
            Row(ask(rng, twin, "permitted", twin_words(goal, twin, words)), cluster),
            Row(ask(rng, goal, "lookalike", words), cluster),
        ]
    return rows
