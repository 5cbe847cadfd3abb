"""A small run in the exact format of the programs, with experts that are known to be used more in some sets."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
from made_record import write_record
from moerae.files.corpus import Prompt
from moerae.files.shard import SCHEMA
from moerae.routing import CLASSES, FIXED_POINT

LAYERS, K, TOP = [1, 3], 8, 2  # decoder layers 0 and 2 are dense
SETS = ("jailbreak", "permitted", "regular")
PLANTED, DECOY = ((1, 2), (3, 5)), (3, 0)
TEMPLATE, PROMPT, RESPONSE = 2, 6, 4  # tokens of each class
CLUSTERS = 12


def probability(name: str) -> np.ndarray:
    """Chance weights [L, K] of an expert being selected, by set."""
    weight = np.ones((len(LAYERS), K))
    if name != "permitted":
        for layer, expert in (*PLANTED, DECOY):
            weight[LAYERS.index(layer), expert] = 6
    return weight / weight.sum(1, keepdims=True)


def made_run(path: Path, seed: int = 0, shard_prompts: int = 16) -> Path:
    rng = np.random.default_rng(seed)
    length = TEMPLATE + PROMPT + RESPONSE
    prompts = [
        Prompt(
            list(rng.integers(0, 50, length)),
            name,
            cluster,
            (TEMPLATE, TEMPLATE + PROMPT),
            TEMPLATE + PROMPT,
            label="forbidden" if name != "permitted" else None,
            split=0,
        )
        for cluster in range(CLUSTERS)
        for name in SETS
    ]
    write_record(path, prompts, lambda file, rows: write_shard(file, list(rows), prompts, rng), shard_prompts)
    return path


def write_shard(path: Path, ids: list[int], prompts: list[Prompt], rng: np.random.Generator) -> None:
    classes = np.repeat([0, 1, 2], [TEMPLATE, PROMPT, RESPONSE])
    expert = np.zeros((len(ids), len(classes), len(LAYERS), TOP), np.uint8)
    for i, t, row in np.ndindex(expert.shape[:3]):
        chosen = rng.choice(K, TOP, replace=False, p=probability(prompts[ids[i]].set)[row])
        expert[i, t, row] = np.sort(chosen)
    weight = rng.random(expert.shape).astype(np.float32)
    count = np.zeros((len(ids), len(CLASSES), len(LAYERS), K), np.uint32)
    mass = np.zeros(count.shape, np.int64)
    for at in np.ndindex(expert.shape):
        i, t, row, _ = at
        count[i, classes[t], row, expert[at]] += 1
        mass[i, classes[t], row, expert[at]] += int(float(weight[at]) * FIXED_POINT + 0.5)
    with h5py.File(path, "w") as file:
        file["prompt_id"] = np.array(ids, np.uint64)
        file["layer"] = np.array(LAYERS, np.int32)
        file["class"] = np.arange(3, dtype=np.int32)
        file["expert"] = np.arange(K, dtype=np.int32)
        file["usage/count"], file["usage/gate_mass"] = count, mass
        file["usage/tokens"] = np.tile(np.array([TEMPLATE, PROMPT, RESPONSE], np.uint32), (len(ids), 1))
        file["routing/expert"] = expert.reshape(-1, len(LAYERS), TOP)
        file["routing/weight"] = weight.reshape(-1, len(LAYERS), TOP)
        file["routing/offset"] = np.arange(len(ids) + 1, dtype=np.int64) * len(classes)
        file.attrs.update({"schema": SCHEMA, "schema_version": 1, "model_id": "made", "experts": K, "top_k": TOP})
        file.attrs.update({"stage_hash": "0" * 16, "prompt_equivalent": 1, "complete": 1})


def add_scores(run: Path, samples: int = 40, top: int = 2, seed: int = 0) -> Path:
    """reduce/ as the programs write it: selection frequencies over half-samples, contrasts, ESFT, expert sets."""
    from moerae import open_run

    rng = np.random.default_rng(seed)
    usage = open_run(run).usage
    rate = {}
    frequency, paths = {}, {}
    sizes = np.array([1, 2, 3], np.int32)
    for name in SETS:
        chosen = usage["set"].values == name
        count = usage["count"].values[chosen][:, 1:].sum(1).astype(float)
        rate[name] = count.sum(0) / count.sum((0, 2))[:, None] * TOP
        hits = np.zeros((len(sizes), len(LAYERS), K))
        for _ in range(samples):
            half = rng.choice(len(count), len(count) // 2, replace=False)
            rank = np.argsort(np.argsort(-count[half].sum(0), axis=1, kind="stable"), axis=1)
            hits += rank[None] < sizes[:, None, None]
        paths[name] = hits / samples
        frequency[name] = paths[name][list(sizes).index(top)]
    folder = run / "reduce"
    (folder / "sets").mkdir(parents=True)
    with h5py.File(folder / "scores.h5", "w") as file:
        file["layer"], file["expert"] = np.array(LAYERS, np.int32), np.arange(K, dtype=np.int32)
        for name in SETS:
            file[f"ses/{name}/frequency"], file[f"ses/{name}/usage"] = frequency[name], rate[name]
            file[f"ses/{name}/frequency"].attrs.update(
                {"top": top, "scope": "layer", "threshold": 0.9, "samples": samples}
            )
            file[f"ses/{name}/path/size"], file[f"ses/{name}/path/frequency"] = sizes, paths[name]
            file[f"esft/{name}/token"], file[f"esft/{name}/gate"] = rate[name] / TOP, rate[name] / TOP / 2
        for other in ("permitted", "jailbreak"):
            file[f"contrast/risk_difference/regular-vs-{other}/score"] = rate["regular"] - rate[other]
        file["contrast/js/regular-vs-permitted/divergence"] = np.zeros(len(LAYERS))
        config = json.dumps({"ses": {"regular": "regular", "jailbreak": "jailbreak"}, "contrast": {"count": 4}})
        file.attrs.update({"schema": "moerae.scores/1", "model_id": "made", "config": config, "seed": 0, "complete": 1})
    for name, table in (
        ("ses-regular", frequency["regular"]),
        ("hcdg", np.minimum(*(frequency[s] for s in SETS[::2]))),
    ):
        members = [(score, LAYERS[r], e) for (r, e), score in np.ndenumerate(table) if score >= 0.9]
        members.sort(key=lambda m: (-m[0], m[1], m[2]))
        experts = [{"layer": layer, "expert": e, "score": s, "frequency": s} for s, layer, e in members]
        provenance = {"stability": {"top": top, "threshold": 0.9}}
        if name == "hcdg":
            provenance["noise_floor"] = {"benign": "permitted", "splits": 2, "sizes": [1, 2], "mean": 1.5}
        data = {"schema": "moerae.expert_set/1", "name": name, "criterion": name.split("-")[0], "model": "made"}
        (folder / f"sets/{name}.json").write_text(json.dumps({**data, "provenance": provenance, "experts": experts}))
    return run


def truth(path: Path, causal: bool = True) -> Path:
    """truth.json in which masking a planted expert removes refusals, or, where not causal, does nothing."""

    def drop(value: float) -> dict:
        sign = "positive" if value > 0 else "grey"
        return {"drop": value, "low": value - 0.01, "high": value + 0.01, "sign": sign}

    def effect(at: tuple[int, int]) -> dict:
        value = 0.5 if causal and at in PLANTED else 0.0
        return {"refusal": drop(value), "margin": drop(2 * value + (0.001 * at[1] if value else 0))}

    roles = {PLANTED[0]: "D1", PLANTED[1]: "C1", DECOY: "topic-1"}
    experts = [
        {"layer": layer, "expert": e, "role": roles.get((layer, e))}
        | {name: effect((layer, e)) for name in ("regular", "jailbreak")}
        for layer in LAYERS
        for e in range(K)
    ]
    labels = "planted" if causal else "roles"
    document = {"schema": "moerae.truth/1", "variant": "made", "seed": 0, "labels": labels, "experts": experts}
    document["planted"] = [{"layer": layer, "expert": e} for layer, e in PLANTED]
    document["decoys"] = [{"layer": DECOY[0], "expert": DECOY[1]}]
    path.write_text(json.dumps(document))
    return path
