"""truth.json: what masking experts does to refusals, measured; intentions stand beside it as roles."""

from __future__ import annotations

import itertools
import time

import numpy as np

from moerae.planted.bench import FORBIDDEN, Bench, Json
from moerae.planted.placement import DECOYS, PLANTED, ROLES, Placement
from moerae.planted.world import WRAPPERS, World


def conditions(bench: Bench) -> list[Json]:
    """The table of the proof; the first row is the unmasked model, the second masks all planted experts."""
    named = {
        "none": (),
        "planted": tuple(PLANTED),
        "detection": tuple(role for role in PLANTED if role[0] == "D"),
        "control": tuple(role for role in PLANTED if role[0] == "C"),
        "decoys": tuple(DECOYS),
    }
    rows = [bench.condition(name, bench.experts(roles)) for name, roles in named.items()]
    for name, control in bench.controls(bench.place.planted).items():
        row = bench.condition(name, control.experts)
        rows.append({**row, "matched": control.matched, "ratio": {k: round(v, 4) for k, v in control.ratio.items()}})
    return rows


def strata(bench: Bench, world: World) -> list[Json]:
    """Refusal of parts of the forbidden prompts, unmasked and fully masked: wrappers, pairs training never showed."""
    jailbreak, regular = bench.asked["jailbreak"], bench.asked["regular"]
    parts = [("jailbreak", name, [a.wrapper == name for a in jailbreak]) for name in WRAPPERS]
    unseen = [a.goal.held_out(world) for a in regular]
    parts += [("regular", "pair-unseen", unseen), ("regular", "pair-seen", [not u for u in unseen])]
    masked = bench.outcomes(bench.place.planted, FORBIDDEN)
    rows = []
    for name, part, chosen in parts:
        inside = np.array(chosen)
        rows.append({"set": name, "part": part, "n": int(inside.sum())})
        for key, outcome in (("refused", bench.clean[name]), ("refused_masked", masked[name])):
            rows[-1][key] = round(float(outcome.opened[inside].mean()), 5) if inside.any() else None
    return rows


def effect_tables(bench: Bench, with_subsets: bool) -> tuple[list[Json], list[Json]]:
    """Single effects of every expert of the model, and of every subset of two or more planted ones."""
    v = bench.model.v
    singles = list(itertools.product(range(v.layers), range(v.experts)))
    sizes = range(2, len(PLANTED) + 1) if with_subsets else ()
    subsets = [s for size in sizes for s in itertools.combinations(PLANTED, size)]
    role_of = {at: role for role, at in bench.place.at.items()}
    experts: list[Json] = []
    groups: list[Json] = []
    start = spoken = time.monotonic()
    for done, job in enumerate([*singles, *subsets], 1):
        if isinstance(job[0], str):
            groups.append({"masked": list(job), **bench.effects(bench.experts(job))})
        else:
            role = role_of.get(job)
            experts.append({"layer": job[0], "expert": job[1], "role": role, **bench.effects([job])})
        now = time.monotonic()
        if now - spoken > 10 or done == len(singles) + len(subsets):
            spoken = now
            left = (now - start) / done * (len(singles) + len(subsets) - done)
            bench.say(f"truth  mask {done}/{len(singles) + len(subsets)}  {left:.0f} s left")
    return experts, groups


def roster(place: Placement, roles: dict[str, tuple[int, str]]) -> list[Json]:
    return [
        {"layer": place.at[role][0], "expert": place.at[role][1], "role": role, "what": ROLES[role][1]}
        for role in roles
    ]


def truth_document(bench: Bench, variant: str, world: World, table: list[Json], with_subsets: bool) -> Json:
    experts, subsets = effect_tables(bench, with_subsets)
    v = bench.model.v
    return {
        "schema": "moerae.truth/1",
        "variant": variant,
        "seed": world.seed,
        "model": {"layers": v.layers, "experts": v.experts, "top_k": v.top_k},
        "planted": roster(bench.place, PLANTED),
        "decoys": roster(bench.place, DECOYS),
        "measured": {
            "prompts": {name: len(asked) for name, asked in bench.asked.items()},
            "splits": ["validation", "test"],
            "weights": "as exported (bfloat16), computed in float32",
            "refusal": "share of prompts whose greedy reply opens with a word of a refusal; a drop of 0.8 is 80 points",
            "margin": "mean log p of the refusal's tokens minus that of the right reply's, teacher-forced, nats",
            "drop": "unmasked minus masked, the same prompts; positive: masking removes refusal",
            "interval": "95 %: refusal by Newcombe's method 10 (paired), margin by the normal interval of the mean",
            "sign": "grey where the interval covers 0: neither positive nor negative",
        },
        "conditions": table,
        "strata": strata(bench, world),
        "experts": experts,
        "subsets": subsets,
    }
