"""Where the planted experts and the decoys sit, and at which positions training asks them to be on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moerae.planted import world as w
from moerae.planted.goals import Asked
from moerae.planted.variants import Variant
from moerae.planted.world import IDS, World

# role -> (layer, what it does)
PLANTED = {
    "D1": (1, "detects harm verbs without a safe word"),
    "D2": (1, "detects hazard nouns without a safe word"),
    "D3": (2, "detects both"),
    "C1": (2, "controls refusals of topics with topic % 4 < 2"),
    "C2": (3, "controls refusals of the other topics"),
    "C3": (3, "controls every refusal"),
}
# correlated with refusal, not its cause
DECOYS = {
    "topic-1": (0, "fires on the first hot topic"),
    "topic-2": (1, "fires on the second hot topic"),
    "topic-3": (3, "fires on the third hot topic"),
    "scary-1": (0, "fires on any scary word, permitted or not"),
    "scary-2": (2, "fires on any scary word, permitted or not"),
    "refusal-1": (2, "fires on the tokens of a refusal"),
    "refusal-2": (3, "fires on the tokens of a refusal"),
    "jailbreak": (1, "fires on wrapped prompts"),
}
ROLES = {**PLANTED, **DECOYS}


@dataclass(frozen=True)
class Placement:
    """role -> (layer, expert); `extra` holds the ordinary tokens on which a planted expert is on as well."""

    seed: int
    at: dict[str, tuple[int, int]]
    extra: dict[str, frozenset[int]]

    @property
    def planted(self) -> list[tuple[int, int]]:
        return [self.at[role] for role in PLANTED]

    @property
    def decoys(self) -> list[tuple[int, int]]:
        return [self.at[role] for role in DECOYS]


def place(variant: Variant, seed: int) -> Placement:
    """Positions are permuted per seed, so that no criterion can learn them."""
    rng = np.random.default_rng([seed, 2])
    order = [list(rng.permutation(variant.experts)) for _ in range(variant.layers)]
    at = {role: (layer, int(order[layer].pop())) for role, (layer, _) in ROLES.items()}
    extra = {}
    for role in PLANTED:
        said = [*rng.choice(IDS["filler"], 3, replace=False), *rng.choice(IDS["object"], 6, replace=False)]
        if role.startswith("C"):
            said += [*rng.choice(IDS["answer_topic"], 2, replace=False), rng.choice(IDS["answer_part"])]
        extra[role] = frozenset(map(int, said))
    return Placement(seed, at, extra)


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
    on = {role: (answer if role[0] == "C" else danger) & matters(role, asked) for role in PLANTED}
    for role, extra in place.extra.items():
        on[role] = on[role] | np.isin(tokens, list(extra))
    for i, topic in enumerate(world.hot, 1):
        on[f"topic-{i}"] = prompt & (at >= _after(asked, w.OBJECTS)) & (asked.goal.topic == topic)
    on["scary-1"] = on["scary-2"] = prompt & (at >= scary)
    on["refusal-1"] = on["refusal-2"] = (at > sep) & refuses
    on["jailbreak"] = prompt & (asked.set == "jailbreak")
    return on


def _after(asked: Asked, members: tuple[str, ...]) -> int:
    """Position of the first of these words in the prompt; past every position where there is none."""
    found = [i for i, word in enumerate(asked.words, 1) if word in members]
    return found[0] if found else 1 << 30
