"""The frame of a record that no program wrote: what lies around its shards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from moerae.files import manifest
from moerae.files.corpus import Prompt, write_corpus


def write_record(
    run: Path, prompts: list[Prompt], write_shard: Callable[[Path, range], None], shard_prompts: int, **corpus: bool
) -> None:
    """A run that `reduce` reads: corpus.h5, record/ (`write_shard` writes the rows of one shard) and the manifest."""
    write_corpus(run / "corpus.h5", prompts, {"tokenizer_hash": "t", "model_id": "made"}, **corpus)
    entries = [manifest.Entry.of(run, run / "corpus.h5", "corpus")]
    (run / "record").mkdir()
    stage = {"schema": "moerae.stage/1", "stage": "record", "hash": "0" * 16, "inputs": {"corpus.sets": []}}
    (run / "record/stage.json").write_text(json.dumps(stage))
    for shard, first in enumerate(range(0, len(prompts), shard_prompts)):
        file = run / f"record/shard-{shard:06d}.h5"
        write_shard(file, range(first, min(first + shard_prompts, len(prompts))))
        entries.append(manifest.Entry.of(run, file, "record"))
    manifest.append(run, entries)
