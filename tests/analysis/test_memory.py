"""`reduce` holds no table of the whole model: 20,000 prompts x 6,144 experts under a limit below the table's size."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
from made_record import write_record
from moerae.files.corpus import Prompt
from moerae.files.shard import SCHEMA
from support import MPI, program

PROMPTS, SHARD, ROWS, LAYERS, EXPERTS, TOP_K, TOKENS = 20_000, 2_000, 40, 48, 128, 8, 4
# a process of its own, because the peak of a child counts what its parent had when it forked
MEASURE = "import os, subprocess, sys; process = subprocess.Popen(sys.argv[1:]); " + (
    "_, status, used = os.wait4(process.pid, 0); print(used.ru_maxrss); sys.exit(os.waitstatus_to_exitcode(status))"
)
TABLE = PROMPTS * LAYERS * EXPERTS * (4 + 8)  # bytes: counts and gate mass as recorded, of one class of positions


def chunks(rng: np.random.Generator, dtype: type, unit: int) -> list[bytes]:
    """Compressed chunks [ROWS, 3, 1, EXPERTS] of tokens of class `prompt`."""
    found = []
    for _ in range(24):
        block = np.zeros((ROWS, 3, EXPERTS), dtype)
        for row in block:
            for _ in range(TOKENS):
                row[1, rng.permutation(EXPERTS)[:TOP_K]] += unit
        found.append(zlib.compress(block.tobytes(), 1))
    return found


def write_shard(path: Path, first: int, count: list[bytes], mass: list[bytes]) -> None:
    shape = (SHARD, 3, LAYERS, EXPERTS)
    with h5py.File(path, "w") as file:
        file["prompt_id"] = np.arange(first, first + SHARD, dtype=np.uint64)
        file["layer"] = np.arange(LAYERS, dtype=np.int32)
        tokens = np.zeros((SHARD, 3), np.uint32)
        tokens[:, 1] = TOKENS
        file["usage/tokens"] = tokens
        for name, dtype, parts in (("count", np.uint32, count), ("gate_mass", np.int64, mass)):
            dataset = file.create_dataset(
                f"usage/{name}", shape, dtype, chunks=(ROWS, 3, 1, EXPERTS), compression="gzip", compression_opts=1
            )
            for row in range(0, SHARD, ROWS):
                for layer in range(LAYERS):
                    which = (7 * layer + 3 * (first + row) // ROWS) % len(parts)
                    dataset.id.write_direct_chunk((row, 0, layer, 0), parts[which])
        file.attrs.update({"schema": SCHEMA, "schema_version": 1, "model_id": "made", "experts": EXPERTS})
        file.attrs.update({"top_k": TOP_K, "stage_hash": "0" * 16, "prompt_equivalent": 1, "complete": 1})


def test_tables_larger_than_the_limit(tmp_path):
    rng = np.random.default_rng(1)
    prompts = [
        Prompt(tokens=[1] * TOKENS, set="ab"[i % 2], cluster=i, content=(0, TOKENS), response=TOKENS, split=0)
        for i in range(PROMPTS)
    ]
    count, mass = chunks(rng, np.uint32, 1), chunks(rng, np.int64, 2**29)
    write_record(
        tmp_path, prompts, lambda path, rows: write_shard(path, rows.start, count, mass), SHARD, keep_tokens=False
    )
    keys = {
        "run.dir": tmp_path,
        "reduce.memory": 128,
        "reduce.controls": 0,
        "ses.samples": 20,
        "contrast.groups": "a:b",
        "contrast.criteria": "studentised",
        "contrast.permutations": 200,
    }
    words = [word for key, value in keys.items() for word in (f"--{key}", str(value))]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, program(), "reduce", *words],
        env=os.environ | MPI,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    peak = int(done.stdout.split()[-1]) * 1024
    assert peak < TABLE / 2, f"{peak / 2**20:.0f} MiB at the peak, the table has {TABLE / 2**20:.0f}"
    with h5py.File(tmp_path / "reduce/scores.h5") as file:
        assert np.isfinite(file["contrast/studentised/a-vs-b/p_adjusted"][:]).all()
