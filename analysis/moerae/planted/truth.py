"""truth.json: what masking experts does to refusals, measured; intentions stand beside it as roles."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from moerae.planted.bench import FORBIDDEN, Bench, Json
from moerae.planted.measure import Expert
from moerae.planted.placement import Placement
from moerae.planted.roles import DECOYS, PLANTED, ROLES, SUPER
from moerae.planted.routes import routes
from moerae.planted.search import search
from moerae.planted.world import WRAPPERS, World

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """What a proof reads. `carriers`: the experts that carry refusal, planted, or found where none were."""

    singles: list[Json]
    pairs: list[Json]  # of the best experts, where the variant asks for a search
    carriers: list[Expert]
    conditions: list[Json]
    routes: dict[str, float]  # with what routing differs, where the variant promises it


def measure(bench: Bench, world: World) -> Measured:
    singles = single_effects(bench)
    pairs, found = search(bench, singles) if bench.model.v.search else ([], {})
    carriers = bench.place.planted or found["grown-6"]
    return Measured(singles, pairs, carriers, conditions(bench, carriers, found), routes(bench, world))


def conditions(bench: Bench, carriers: list[Expert], found: dict[str, list[Expert]]) -> list[Json]:
    """The table of the proof: the unmasked model, masks of roles, of what was found, of the head, and controls that
    match the carriers of refusal, planted or found."""
    place, labels = bench.place, bench.model.v.labels
    named = {
        "planted": place.planted,
        "detection": place.of(role for role in PLANTED if role[0] == "D"),
        "control": place.of(role for role in PLANTED if role[0] == "C"),
        "decoys": place.decoys,
        "super": place.of(SUPER),
        **found,
    }
    rows = [bench.condition("none", [])]
    rows += [bench.condition(name, experts) for name, experts in named.items() if experts]
    if labels == "head":
        rows.append(bench.condition("head", [], [place.head]))
    for name, control in bench.controls(carriers).items():
        row = bench.condition(name, control.experts)
        rows.append({**row, "matched": control.matched, "ratio": {k: round(v, 4) for k, v in control.ratio.items()}})
    return rows


def strata(bench: Bench, world: World, carriers: list[Expert]) -> list[Json]:
    """Refusal of parts of the forbidden prompts, unmasked and with the carriers masked: wrappers, pairs training never
    showed."""
    jailbreak, regular = bench.asked["jailbreak"], bench.asked["regular"]
    parts = [("jailbreak", name, [a.wrapper == name for a in jailbreak]) for name in WRAPPERS]
    unseen = [a.goal.held_out(world) for a in regular]
    parts += [("regular", "pair-unseen", unseen), ("regular", "pair-seen", [not u for u in unseen])]
    masked = bench.outcomes(carriers, FORBIDDEN)
    rows = []
    for name, part, chosen in parts:
        inside = np.array(chosen)
        rows.append({"set": name, "part": part, "n": int(inside.sum())})
        for key, outcome in (("refused", bench.clean[name]), ("refused_masked", masked[name])):
            rows[-1][key] = round(float(outcome.opened[inside].mean()), 5) if inside.any() else None
    return rows


def single_effects(bench: Bench) -> list[Json]:
    """What masking each expert of the model does, alone."""
    v, role_of = bench.model.v, {at: role for role, at in bench.place.at.items()}
    jobs = list(itertools.product(range(v.layers), range(v.experts)))
    return [
        {"layer": layer, "expert": expert, "role": role_of.get((layer, expert)), **bench.effects([(layer, expert)])}
        for layer, expert in progress(bench.say, "single masks", jobs)
    ]


def subset_effects(bench: Bench) -> list[Json]:
    """What masking each subset of two or more planted experts does."""
    roles = [role for role in PLANTED if role in bench.place.at]
    jobs = [s for size in range(2, len(roles) + 1) for s in itertools.combinations(roles, size)]
    return [
        {"masked": list(subset), **bench.effects(bench.place.of(subset))}
        for subset in progress(bench.say, "subsets", jobs)
    ]


def progress(say: Callable[[str], None], what: str, jobs: list[T]) -> Iterator[T]:
    """The jobs, with a word on the time that is left every ten seconds."""
    start = spoken = time.monotonic()
    for done, job in enumerate(jobs, 1):
        yield job
        now = time.monotonic()
        if now - spoken > 10 or done == len(jobs):
            spoken = now
            say(f"truth  {what} {done}/{len(jobs)}  {(now - start) / done * (len(jobs) - done):.0f} s left")


def roster(place: Placement, roles: dict[str, tuple[int, str]]) -> list[Json]:
    return [
        {"layer": place.at[role][0], "expert": place.at[role][1], "role": role, "what": ROLES[role][1]}
        for role in roles
        if role in place.at
    ]


def truth_document(bench: Bench, world: World, measured: Measured, subsets: list[Json]) -> Json:
    v = bench.model.v
    document = {
        "schema": "moerae.truth/1",
        "variant": v.name,
        "seed": world.seed,
        "labels": v.truth,
        "model": {"layers": v.layers, "experts": v.experts, "top_k": v.top_k},
        "planted": roster(bench.place, PLANTED),
        "decoys": roster(bench.place, DECOYS | SUPER),
        "measured": {
            "prompts": {name: len(asked) for name, asked in bench.asked.items()},
            "splits": ["validation", "test"],
            "weights": "as exported (bfloat16), computed in float32",
            "refusal": "share of prompts whose greedy reply opens with a word of a refusal; a drop of 0.8 is 80 points",
            "margin": "mean log p of the refusal's tokens minus that of the right reply's, teacher-forced, nats",
            "decision": "log p that a refusal opens minus that of the right reply's first word, nats; never saturated",
            "right": "share of permitted prompts with the whole right reply; its drop is damage",
            "drop": "unmasked minus masked, the same prompts; positive: masking removes refusal",
            "interval": "95 %: shares by Newcombe's method 10 (paired), margin by the normal interval of the mean",
            "sign": "grey where the interval covers 0: neither positive nor negative",
        },
        "conditions": measured.conditions,
        "strata": strata(bench, world, measured.carriers),
        "experts": measured.singles,
        "subsets": subsets,
    }
    if v.search:
        document["pairs"] = measured.pairs
    if measured.routes:
        document["routes"] = measured.routes
    return document
