"""`python -m moerae import esft`: one published routing trace becomes a prompt set of a run that `moerae reduce` reads.

A trace has no text: the corpus gets offsets and no tokens. Every sample is a prompt of its own (its own cluster, split
discovery, all tokens of class prompt). Shards of earlier imports are kept as they are: their attribute `shards` counts
the shards that existed when they were written, so readers of an imported run do not compare it.

record/stage.json holds, beside what every stage has, `traces`: what was asked for. It is written first, then corpus.h5,
then shards, then their manifest lines; an import that was killed is completed by repeating the command.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import xxhash

from moerae.errors import ConfigError, DataError
from moerae.files import manifest
from moerae.files.corpus import SET_NAME, Prompt, write_corpus
from moerae.files.hashing import file_hash
from moerae.files.publish import publishing
from moerae.files.shard import write_shard
from moerae.routing import Routing, validate

STAGE_SCHEMA = "moerae.stage/1"


@dataclass
class Trace:
    """A published trace in memory, whatever its format was."""

    model: str
    layers: np.ndarray  # decoder index of each MoE layer
    experts: int
    routing: Routing

    @property
    def shape(self) -> dict:
        """What all traces of one run must share, and what the stage hash is made of."""
        top_k = int(self.routing.expert.shape[-1])
        return {"model": self.model, "layers": self.layers.tolist(), "experts": self.experts, "top_k": top_k}


def read_esft(path: Path) -> Trace:
    """Expert scores published with ESFT, as in data/esft: weights are integers of 1e-4, the first layer is dense."""
    if not path.is_file():
        raise DataError(f"{path}: no such trace; give --trace the path of a file like esft/law.h5")
    try:
        with h5py.File(path, "r") as file:
            expert, weight = file["expert"][:], file["weight"][:]
            offset = file["sample_offset"][:].astype(np.int64)
            experts, scale = int(file.attrs["num_experts"]), float(file.attrs["weight_scale"])
            model = str(file.attrs["model"])
    except (OSError, KeyError) as error:
        raise DataError(
            f"{path}: not an ESFT trace ({error}); expected datasets expert, weight [tokens, layers, k] and "
            "sample_offset, attributes model, num_experts and weight_scale"
        ) from None
    if expert.ndim != 3 or expert.shape != weight.shape:
        raise DataError(f"{path}: expert {expert.shape} and weight {weight.shape} must both be [tokens, layers, k]")
    if len(offset) < 2 or offset[0] != 0 or offset[-1] != len(expert) or (np.diff(offset) <= 0).any():
        raise DataError(f"{path}: sample_offset must rise from 0 to {len(expert)}, the number of tokens in `expert`")
    routing = Routing(expert, (weight * scale).astype(np.float32), offset)
    validate(routing, experts, str(path))
    return Trace(model, np.arange(1, expert.shape[1] + 1, dtype=np.int32), experts, routing)


READERS = {"esft": read_esft}  # format -> reader


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("format", choices=sorted(READERS), help="who published the trace")
    parser.add_argument("--trace", type=Path, required=True, help="the published file")
    parser.add_argument("--label", required=True, help="name of the prompt set that the trace becomes")
    parser.add_argument("--run", type=Path, required=True, help="run directory, made or extended", dest="run_dir")
    parser.add_argument("--shard-prompts", type=int, default=64, help="prompts in a shard (default 64)")


def run(args: argparse.Namespace) -> int:
    if args.shard_prompts < 1:
        raise ConfigError(f"--shard-prompts {args.shard_prompts}: a shard needs at least one prompt")
    if not SET_NAME.fullmatch(args.label):
        raise ConfigError(f"--label {args.label!r}: becomes part of file names; use letters, digits and . _ - + only")
    added = import_trace(args.run_dir, args.format, args.trace, args.label, args.shard_prompts)
    print(f"{args.run_dir}: set {args.label} {'imported' if added else 'is already there, nothing to do'}")
    return 0


def import_trace(run_dir: Path, kind: str, path: Path, label: str, shard_prompts: int = 64) -> bool:
    """Adds one trace to a run; False where it was there already. Refuses another model or other data."""
    trace = READERS[kind](path)
    stage_path = run_dir / "record" / "stage.json"
    inputs = {"import": kind, **trace.shape}
    digest = xxhash.xxh3_64_hexdigest(json.dumps(inputs, sort_keys=True).encode())
    traces = _present_traces(run_dir, stage_path, inputs)
    record = next((t for t in traces if t["label"] == label), None)
    lengths = np.diff(trace.routing.offset)
    if record is None:
        prompts = sum(t["prompts"] for t in traces)
        record = {"label": label, "file": path.name, "file_hash": file_hash(path), "first_prompt": prompts}
        record |= {"prompts": len(lengths), "tokens": int(lengths.sum()), "shard_prompts": shard_prompts}
        record["first_shard"] = sum(_shards(t) for t in traces)
        traces.append(record)
        stage = {"schema": STAGE_SCHEMA, "stage": "record", "hash": digest, "inputs": inputs, "traces": traces}
        with publishing(stage_path) as temporary:
            temporary.write_text(json.dumps(stage) + "\n")
    elif record["file_hash"] != file_hash(path):
        raise ConfigError(
            f"{run_dir}: the set {label!r} was imported from other data ({record['file']}); results of the two would "
            "be mixed; choose another --label or another --run"
        )
    added = _extend_corpus(run_dir, record, lengths, trace.model)
    manifest.adopt(run_dir)
    listed = manifest.read(run_dir)
    for i in range(_shards(record)):
        shard = run_dir / "record" / f"shard-{record['first_shard'] + i:06d}.h5"
        name = shard.relative_to(run_dir).as_posix()
        if name in listed and shard.exists():
            manifest.check(run_dir, listed[name])
            continue
        _write(shard, trace, record, i, digest)
        manifest.append(run_dir, [manifest.Entry.of(run_dir, shard, "record")])
        added = True
    return added


def _shards(record: dict) -> int:
    return -(-record["prompts"] // record["shard_prompts"])


def _present_traces(run_dir: Path, stage_path: Path, inputs: dict) -> list[dict]:
    if not stage_path.exists():
        if run_dir.exists() and any(run_dir.iterdir()):
            raise ConfigError(
                f"{run_dir}: not empty and not a run of imports; choose another --run, nothing was changed"
            )
        return []
    try:
        stage = json.loads(stage_path.read_text())
        present, traces = stage["inputs"], stage.get("traces")
    except (ValueError, KeyError) as error:
        raise DataError(f"{stage_path}: not a stage description ({error}); import into another --run") from None
    if present != inputs or traces is None:
        differing = [key for key in inputs if present.get(key) != inputs[key]]
        raise ConfigError(
            f"{run_dir}: its record has another {', '.join(differing) or 'origin'} than this trace; one run holds one "
            "model and one kind of import; choose another --run"
        )
    return traces


def _extend_corpus(run_dir: Path, record: dict, lengths: np.ndarray, model: str) -> bool:
    """Rewrites corpus.h5 with the rows of this trace behind the present ones; False where they are there."""
    path = run_dir / "corpus.h5"
    prompts: list[Prompt] = []
    if path.exists():
        try:
            with h5py.File(path, "r") as file:
                names = list(file["set"].attrs["categories"])
                present = zip(np.diff(file["offset"][:]), file["set"][:], file["source_row"][:], strict=True)
                prompts = [_row(int(n), names[code], int(row)) for n, code, row in present]
        except (OSError, KeyError) as error:
            raise DataError(f"{path}: not the corpus of an import ({error}); remove the run and import anew") from None
    if len(prompts) < record["first_prompt"]:
        raise ConfigError(
            f"{run_dir}: an earlier import was interrupted before its prompts were listed; repeat it (see `traces` in "
            "record/stage.json), then this one"
        )
    added = len(prompts) == record["first_prompt"]
    if added:
        prompts += [_row(int(n), record["label"], row) for row, n in enumerate(lengths)]
        write_corpus(path, prompts, {"origin": "import", "model_id": model, "tokenizer_hash": ""}, keep_tokens=False)
    manifest.append(run_dir, [manifest.Entry.of(run_dir, path, "corpus")])
    return added


def _row(length: int, label: str, sample: int) -> Prompt:
    key = xxhash.xxh3_64_intdigest(f"{label}\0{sample}".encode())
    # 63 bits: `cluster` is signed. The same whatever was imported before.
    return Prompt(range(length), label, key >> 1, (0, length), split=0, source=label, source_row=sample)


def _write(path: Path, trace: Trace, record: dict, index: int, stage_hash: str) -> None:
    first = index * record["shard_prompts"]
    last = min(first + record["shard_prompts"], record["prompts"])
    begin, end = trace.routing.offset[first], trace.routing.offset[last]
    part = Routing(
        trace.routing.expert[begin:end],
        trace.routing.weight[begin:end],
        trace.routing.offset[first : last + 1] - begin,
    )
    number = record["first_shard"] + index
    attributes = {
        "config": json.dumps({"label": record["label"], "file": record["file"], "file_hash": record["file_hash"]}),
        "model_id": trace.model,
        "weights_hash": "",
        "tokenizer_hash": "",
        "seed": 0,
        "shard": number,
        "shards": record["first_shard"] + _shards(record),
        "stage_hash": stage_hash,
    }
    ids = record["first_prompt"] + np.arange(first, last)
    write_shard(path, ids, trace.layers, trace.experts, part, attributes)
