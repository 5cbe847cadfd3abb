"""A trace becomes part of a run. Shards of earlier imports are kept as they are: their attribute `shards` counts the
shards that existed when they were written, so readers of an imported run do not compare it.

record/stage.json holds, beside what every stage has, `traces`: what was asked for. It is written first, then corpus.h5,
then shards, then their manifest lines; an import that was killed is completed by repeating the command.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moerae.errors import ConfigError
from moerae.files import manifest
from moerae.files.corpus import read_prompts, write_corpus
from moerae.files.hashing import path_hash
from moerae.files.shard import write_shard
from moerae.files.stage import inputs_hash, read_stage, write_stage
from moerae.imports.trace import Trace


@dataclass(frozen=True)
class Source:
    """Where a trace comes from."""

    format: str
    path: Path
    label: str  # of this import in its run


def add_trace(run_dir: Path, trace: Trace, source: Source, shard_prompts: int = 64) -> bool:
    """Adds one trace to a run; False where it was there already. Refuses another model or other data."""
    trace.check(str(source.path))
    inputs = {"import": source.format, **trace.shape}
    traces = _present_traces(run_dir, inputs)
    record = next((t for t in traces if t["label"] == source.label), None)
    if record is None:
        record = {"label": source.label, "file": source.path.name, "file_hash": path_hash(source.path)}
        record |= {"first_prompt": sum(t["prompts"] for t in traces), "prompts": len(trace.prompts)}
        record |= {"tokens": len(trace.routing.expert), "shard_prompts": shard_prompts}
        record["first_shard"] = sum(_shards(t) for t in traces)
        traces.append(record)
        write_stage(_stage(run_dir), "record", inputs, traces=traces)
    elif record["file_hash"] != path_hash(source.path):
        raise ConfigError(
            f"{run_dir}: the set {source.label!r} was imported from other data ({record['file']}); results of the two "
            "would be mixed; choose another --label or another --run"
        )
    added = _extend_corpus(run_dir, record, trace)
    manifest.adopt(run_dir)
    listed = manifest.read(run_dir)
    for i in range(_shards(record)):
        shard = run_dir / "record" / f"shard-{record['first_shard'] + i:06d}.h5"
        name = shard.relative_to(run_dir).as_posix()
        if name in listed and shard.exists():
            manifest.check(run_dir, listed[name])
            continue
        _write(shard, trace, record, i, inputs_hash(inputs))
        manifest.append(run_dir, [manifest.Entry.of(run_dir, shard, "record")])
        added = True
    return added


def _stage(run_dir: Path) -> Path:
    return run_dir / "record/stage.json"


def _shards(record: dict) -> int:
    return -(-record["prompts"] // record["shard_prompts"])


def _present_traces(run_dir: Path, inputs: dict) -> list[dict]:
    if not _stage(run_dir).exists():
        if run_dir.exists() and any(run_dir.iterdir()):
            raise ConfigError(
                f"{run_dir}: not empty and not a run of imports; choose another --run, nothing was changed"
            )
        return []
    stage = read_stage(_stage(run_dir))
    present, traces = stage["inputs"], stage.get("traces")
    if present != inputs or traces is None:
        differing = [key for key in {**inputs, **present} if present.get(key) != inputs.get(key)]
        raise ConfigError(
            f"{run_dir}: its record has another {', '.join(differing) or 'origin'} than this trace; one run holds one "
            "model and one kind of import; choose another --run"
        )
    return traces


def _extend_corpus(run_dir: Path, record: dict, trace: Trace) -> bool:
    """Rewrites corpus.h5 with the prompts of this trace behind the present ones; False where they are there."""
    path = run_dir / "corpus.h5"
    prompts = read_prompts(path) if path.exists() else []
    if len(prompts) < record["first_prompt"]:
        raise ConfigError(
            f"{run_dir}: an earlier import was interrupted before its prompts were listed; repeat it (see `traces` in "
            "record/stage.json), then this one"
        )
    added = len(prompts) == record["first_prompt"]
    if added:
        attributes = {"origin": "import", "model_id": trace.model, "tokenizer_hash": ""}
        write_corpus(path, prompts + trace.prompts, attributes, keep_tokens=trace.has_tokens)
    manifest.append(run_dir, [manifest.Entry.of(run_dir, path, "corpus")])
    return added


def _write(path: Path, trace: Trace, record: dict, index: int, stage_hash: str) -> None:
    first = index * record["shard_prompts"]
    last = min(first + record["shard_prompts"], record["prompts"])
    begin, end = trace.routing.offset[first], trace.routing.offset[last]
    attributes = {
        "config": json.dumps({"label": record["label"], "file": record["file"], "file_hash": record["file_hash"]}),
        "model_id": trace.model,
        "weights_hash": "",
        "tokenizer_hash": "",
        "seed": 0,
        "shard": record["first_shard"] + index,
        "shards": record["first_shard"] + _shards(record),
        "stage_hash": stage_hash,
    }
    ids = record["first_prompt"] + np.arange(first, last)
    part = trace.routing.part(first, last)
    write_shard(path, ids, trace.layers, trace.experts, part, trace.classes[begin:end], attributes)
