"""Where the planted experts and the decoys sit, and at which positions training asks them to be on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from moerae.planted import world as w
from moerae.planted.goals import Asked
from moerae.planted.roles import DECOYS, PLANTED, ROLES
from moerae.planted.variants import Variant
from moerae.planted.world import IDS, World

HEAD_LAYER = 2


@dataclass(frozen=True)
class Placement:
    """role -> (layer, expert); `extra` holds the ordinary tokens on which a planted expert is on as well."""

    seed: int
    at: dict[str, tuple[int, int]]
    extra: dict[str, frozenset[int]]
    head: tuple[int, int]  # layer, attention head that carries refusal where labels follow it
    signal: str  # of the variant
    homes: np.ndarray  # bool [topics, L, K]: experts without a role that serve a topic

    @property
    def planted(self) -> list[tuple[int, int]]:
        return self.of(PLANTED)

    @property
    def decoys(self) -> list[tuple[int, int]]:
        return self.of(DECOYS)

    def of(self, roles: Iterable[str]) -> list[tuple[int, int]]:
        """Those of the roles that the variant has."""
        return [self.at[role] for role in roles if role in self.at]


def place(variant: Variant, seed: int) -> Placement:
    """Positions are permuted per seed, so that no criterion can learn them."""
    rng = np.random.default_rng([seed, 2])
    order = [list(rng.permutation(variant.experts)) for _ in range(variant.layers)]
    at = {role: (ROLES[role][0], int(order[ROLES[role][0]].pop())) for role in ROLES if role in variant.roles}
    extra = {role: _extra(rng, variant, role) for role in PLANTED if role in at}
    head = (HEAD_LAYER, int(rng.integers(variant.heads)))
    return Placement(seed, at, extra, head, variant.signal, _homes(rng, variant, order))


def _extra(rng: np.random.Generator, variant: Variant, role: str) -> frozenset[int]:
    """Fillers say nothing about topic or behaviour, so they alone where the routing must not tell."""
    if variant.signal == "words":
        return frozenset(map(int, rng.choice(IDS["filler"], len(IDS["filler"]) // 2, replace=False)))
    said = [*rng.choice(IDS["filler"], 3, replace=False), *rng.choice(IDS["object"], 6, replace=False)]
    if role.startswith("C"):
        said += [*rng.choice(IDS["answer_topic"], 2, replace=False), rng.choice(IDS["answer_part"])]
    return frozenset(map(int, said))


def _homes(rng: np.random.Generator, variant: Variant, free: list[list[int]]) -> np.ndarray:
    """`variant.homes` of the free experts of every layer for each topic."""
    homes = np.zeros((len(w.TOPICS), variant.layers, variant.experts), bool)
    for topic in range(len(w.TOPICS)):
        for layer, experts in enumerate(free):
            homes[topic, layer, rng.choice(experts, variant.homes, replace=False)] = True
    return homes


def matters(role: str, asked: Asked) -> bool:
    """Whether a planted expert has a part in refusing this prompt."""
    return {
        "D1": asked.goal.kind == "harm_verb",
        "D2": asked.goal.kind == "hazard_noun",
        "D3": True,
        "C1": asked.goal.topic % 4 < 2,
        "C2": asked.goal.topic % 4 >= 2,
        "C3": True,
    }[role]


def on_positions(
    asked: Asked, tokens: list[int], refuses: bool, place: Placement, world: World
) -> dict[str, np.ndarray]:
    """role -> bool [len(tokens)]: where the router is asked to select it. `tokens` = prompt + answer."""
    length, sep = len(tokens), tokens.index(w.SEP)
    at = np.arange(length)
    prompt = at <= sep
    scary = _after(asked, w.HARM_VERBS + w.HAZARDS)
    danger = prompt & (at >= scary) & (at < _after(asked, w.SAFE))
    answer = (at >= sep) & refuses
    if place.signal == "words":
        on = {role: at == sep for role in PLANTED}
    else:
        on = {role: (answer if role[0] == "C" else danger) & matters(role, asked) for role in PLANTED}
    for role, extra in place.extra.items():
        on[role] = on[role] | np.isin(tokens, list(extra))
    for i, topic in enumerate(world.hot, 1):
        on[f"topic-{i}"] = prompt & (at >= _after(asked, w.OBJECTS)) & (asked.goal.topic == topic)
    on["scary-1"] = on["scary-2"] = prompt & (at >= scary)
    on["refusal-1"] = on["refusal-2"] = (at > sep) & refuses
    on["super"] = at == 0
    on["jailbreak"] = prompt & (asked.set == "jailbreak")
    return {role: on[role] for role in place.at}


def home_positions(asked: Asked, tokens: list[int], place: Placement) -> np.ndarray:
    """bool [len(tokens), L, K]: from the object on, the reply included, the experts of its topic."""
    after = np.arange(len(tokens)) >= _after(asked, w.OBJECTS)
    return after[:, None, None] & place.homes[asked.goal.topic]


def _after(asked: Asked, members: tuple[str, ...]) -> int:
    """Position of the first of these words in the prompt; past every position where there is none."""
    found = [i for i, word in enumerate(asked.words, 1) if word in members]
    return found[0] if found else 1 << 30
