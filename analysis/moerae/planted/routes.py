"""With what the routing of a planted model differs: topics, behaviour inside a topic, planted experts between sets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch

from moerae.planted import world as w
from moerae.planted.batches import padded
from moerae.planted.bench import Bench
from moerae.planted.goals import Asked, ask, draw_goal, say
from moerae.planted.measure import greedy
from moerae.planted.model import PlantedModel
from moerae.planted.world import World

PROMPTS = 60  # of each topic and behaviour: the plug-in estimate is then some .001 nats too high
BEHAVIOURS = ("regular", "permitted", "lookalike")


@torch.inference_mode()
def selections(model: PlantedModel, asked: list[Asked]) -> np.ndarray:
    """Share of the user's words and of the model's reply that select each expert [L, K]."""
    prompts = [a.tokens for a in asked]
    rows = [prompt + reply for prompt, reply in zip(prompts, greedy(model, prompts), strict=True)]
    tokens, valid = padded(rows)
    _, routed = model(tokens, valid)
    ours = (tokens != w.BOS) & (tokens != w.SEP)
    chosen = torch.stack([weights > 0 for weights in routed.weights], 1)[ours[valid]]
    return chosen.double().mean(0).numpy()


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Jensen-Shannon divergence of two tables of selections [L, K], nats, mean over layers."""
    p, q = (table / table.sum(-1, keepdims=True) for table in (p, q))
    middle = (p + q) / 2

    def entropy(x: np.ndarray) -> np.ndarray:
        return -(x * np.log(np.where(x > 0, x, 1.0))).sum(-1)

    return float((entropy(middle) - (entropy(p) + entropy(q)) / 2).mean())


def ask_topic(rng: np.random.Generator, world: World, name: str, topic: int) -> Asked:
    while (goal := draw_goal(rng, world, name != "permitted", train=False)).topic != topic:
        pass
    return ask(rng, goal, name, say(rng, goal))


def topics_and_behaviours(bench: Bench, world: World) -> dict[str, float]:
    """JS between topics of one behaviour, and between behaviours of one topic: means over all pairs."""
    rng = np.random.default_rng([world.seed, 7])
    table = [
        [selections(bench.model, [ask_topic(rng, world, name, topic) for _ in range(PROMPTS)]) for name in BEHAVIOURS]
        for topic in range(len(w.TOPICS))
    ]
    topics = [divergence(a[i], b[i]) for a, b in combinations(table, 2) for i in range(len(BEHAVIOURS))]
    behaviours = [divergence(a, b) for row in table for a, b in combinations(row, 2)]
    return {"js_topics": float(np.mean(topics)), "js_behaviours": float(np.mean(behaviours))}


def planted_difference(bench: Bench, world: World) -> dict[str, float]:
    """The largest difference of selection frequency between forbidden prompts and any set of permitted ones: of planted
    experts, and the median over the others."""
    table = {name: selections(bench.model, bench.asked[name]) for name in BEHAVIOURS}
    largest = np.maximum.reduce([abs(table["regular"] - table[name]) for name in BEHAVIOURS[1:]])
    planted = np.zeros(largest.shape, bool)
    planted[tuple(np.transpose(bench.place.planted))] = True
    return {"planted": float(largest[planted].max()), "others": float(np.median(largest[~planted]))}


@torch.inference_mode()
def massive_outputs(bench: Bench, world: World) -> dict[str, float]:
    """Largest absolute output of the down projection over the tokens that select an expert: of the super expert, and of
    the next."""
    model, inputs = bench.model, []
    hooks = [layer.mlp.register_forward_pre_hook(lambda _, seen: inputs.append(seen[0])) for layer in model.layers]
    tokens, valid = padded([asked.tokens for asked in bench.asked["regular"]])
    _, routed = model(tokens, valid)
    for hook in hooks:
        hook.remove()
    largest = {
        (i, expert): float(layer.mlp.outputs(x[weights[:, expert] > 0])[:, expert].abs().max())
        for i, (layer, x, weights) in enumerate(zip(model.layers, inputs, routed.weights, strict=True))
        for expert in range(model.v.experts)
        if (weights[:, expert] > 0).any()
    }
    own = largest.pop(bench.place.at["super"], 0.0)
    return {"super_output": own, "next_output": max(largest.values())}


# name of a proof -> the figures that it reads
FIGURES = {"topics_route": topics_and_behaviours, "planted_silent": planted_difference, "super_breaks": massive_outputs}


def routes(bench: Bench, world: World) -> dict[str, float]:
    asked = [figures for proof, figures in FIGURES.items() if proof in bench.model.v.proof]
    return {key: round(value, 5) for figures in asked for key, value in figures(bench, world).items()}
