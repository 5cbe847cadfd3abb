"""Which experts are tuned: those of the study, and those that they are compared with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moerae.errors import ConfigError
from moerae.files.expert_set import SCHEMA, read_expert_set
from moerae.files.publish import publishing
from moerae.program import Program
from moerae.reader import Run, open_run

Expert = tuple[int, int]  # layer, expert
CHOSEN, BASE = "chosen", "base"


@dataclass(frozen=True)
class Arm:
    name: str
    set: Path | None  # of experts; none: the model as it is
    experts: tuple[Expert, ...] = ()


def find_arms(program: Program, study: Path, out: Path, controls: int, also: list[str]) -> list[Arm]:
    """`base` and `chosen` first. Sets that the run does not hold are written to OUT/sets."""
    directory, asked = program.values(study, ["run.dir", "tune.set"])
    if not asked:
        raise ConfigError(f"{study}: tune.set: names no experts to be tuned")
    if "," in asked or asked == "all":
        raise ConfigError(f"{study}: tune.set = {asked}: its controls are those of one set, so name one")
    run = open_run(directory)
    name, _, best = asked.partition("@")
    path = Path(name) if name.endswith(".json") else run.path / "reduce" / "sets" / f"{name}.json"
    chosen = read_expert_set(path)
    experts = _pairs(chosen)[: int(best) if best else None]
    if not experts:
        raise ConfigError(f"{path}: the set is empty, so there is nothing to tune")
    matched = [tuple(map(tuple, c["experts"])) for c in chosen.attrs["controls"] if c["kind"] == "matched"]
    if controls > len(matched) or (best and controls):
        have = "a part of a set has none" if best else f"{path} has {len(matched)}"
        raise ConfigError(f"--controls {controls}: {have}; ask `reduce` for more (reduce.controls), or for fewer here")
    found = {CHOSEN: experts} | {f"control-{i}": list(matched[i]) for i in range(controls)}
    for word in also:
        found[word] = _other(run, word, len(experts))
    about = {"criterion": str(chosen.attrs["criterion"]), "model": str(chosen.attrs["model"])}
    weights = (chosen.attrs["provenance"] or {}).get("weights_hash", "")
    return [Arm(BASE, None)] + [
        Arm(arm, _write(out / "sets" / f"{arm}.json", members, about, weights), tuple(members))
        for arm, members in found.items()
    ]


def _pairs(frame) -> list[Expert]:  # noqa: ANN001 (a DataFrame of read_expert_set)
    return [(int(layer), int(expert)) for layer, expert in zip(frame["layer"], frame["expert"], strict=True)]


def _other(run: Run, word: str, size: int) -> list[Expert]:
    if word in ("used", "all"):
        count = run.usage["count"].sum(["prompt", "class"])  # [layer, expert]
        every = [(int(layer), int(expert)) for layer in count.layer.values for expert in range(count.sizes["expert"])]
        if word == "all":
            return every
        order = np.argsort(-count.values.reshape(-1).astype(np.int64), kind="stable")
        return [every[i] for i in order[:size]]
    if word not in run.expert_sets:
        raise ConfigError(
            f"--also {word}: {run.path} has no such set; there are used, all, {', '.join(run.expert_sets)}"
        )
    found = _pairs(run.expert_set(word))[:size]
    if len(found) < size:
        raise ConfigError(f"--also {word}: it has {len(found)} experts, fewer than the {size} that are compared")
    return found


def _write(path: Path, experts: list[Expert], about: dict[str, str], weights: str) -> Path:
    """Best first, as they came."""
    members = [{"layer": layer, "expert": expert, "score": -float(i)} for i, (layer, expert) in enumerate(experts)]
    document = {"schema": SCHEMA, "name": path.stem, **about, "provenance": {"weights_hash": weights}}
    with publishing(path) as temporary:
        temporary.write_text(json.dumps(document | {"experts": members}) + "\n")
    return path
