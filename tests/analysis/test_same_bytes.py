"""The same bytes for any data width, any interruption and any resume at a fixed expert width (reliability.md 2)."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest
import support
from moerae.reference import checkpoints

PROMPTS, LONGEST = 320, 96


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.make("qwen3-grouped", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lengths = np.random.default_rng(1).integers(1, LONGEST + 1, PROMPTS).tolist()
    path = tmp_path_factory.mktemp("corpus") / "corpus.h5"
    return support.random_corpus(path, lengths, checkpoints.VOCABULARY, seed=1)


@pytest.fixture(scope="module")
def uninterrupted(model: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, str]]:
    """Expert width -> content hashes of the shards of one run at data width 1."""
    hashes = {}
    for expert in (1, 2):
        run = tmp_path_factory.mktemp(f"expert-{expert}")
        support.moerae("record", support.recording(model, corpus, run, expert), ranks=expert)
        hashes[expert] = support.content(run)
    assert len(hashes[1]) > 20, "too few shards to interrupt a run between them"
    return hashes


@pytest.mark.parametrize("expert", [1, 2])
@pytest.mark.parametrize("data", [2, 3, 4])
def test_any_data_width(model, corpus, uninterrupted, tmp_path: Path, data: int, expert: int) -> None:
    study = support.recording(model, corpus, tmp_path / "run", expert)
    support.moerae("record", study, ranks=data * expert)
    assert support.content(tmp_path / "run") == uninterrupted[expert]


def test_any_number_of_threads(model, corpus, uninterrupted, tmp_path: Path) -> None:
    study = support.recording(model, corpus, tmp_path / "run")
    support.moerae("record", study, ranks=1, env={"OMP_NUM_THREADS": "2"})
    assert support.content(tmp_path / "run") == uninterrupted[1]


def identity(run: Path) -> dict[str, tuple[int, int]]:
    """Changes when a file is written again, even with the same bytes."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in support.shards(run)}


def interrupt(study: dict[str, object], run: Path, ranks: int, after: int, how) -> support.Finished:
    """Starts a recording, waits for `after` shards, does `how` to it and returns how it ended."""
    job = support.start("record", study, ranks)
    try:
        support.wait_for(lambda: len(support.shards(run)) >= after or job.process.poll() is not None, 60, "a shard")
        how(job)
        return job.wait(60)
    finally:
        job.kill()


def ask_to_stop(job: support.Running) -> None:
    os.kill(job.process.pid, signal.SIGUSR1)  # mpirun forwards it to the ranks


def kill_a_rank(job: support.Running) -> None:
    ranks = job.ranks()
    assert ranks, "the ranks were gone before one could be killed"
    os.kill(random.choice(ranks), signal.SIGKILL)


def resume(study: dict[str, object], run: Path, ranks: int, want: dict[str, str]) -> None:
    """Repeats the command: it completes, rewrites nothing, and lists every shard once."""
    before = identity(run)
    assert 0 < len(before) < len(want), f"{len(before)} of {len(want)} shards: not interrupted in the middle"
    support.moerae("record", study, ranks)
    after = identity(run)
    assert {name: after.get(name) for name in before} == before, "a finished shard was written again"
    assert support.content(run) == want
    listed = [
        line["path"] for line in support.manifest(run) if line["path"].endswith(".h5") and line["stage"] == "record"
    ]
    assert sorted(listed) == sorted(f"record/{name}" for name in want)
    assert not list((run / "record").glob("*tmp*")), "the open shard of the killed run was left behind"
    support.moerae("verify", {"run.dir": run})


@pytest.mark.parametrize(("data", "expert"), [(1, 1), (2, 1), (1, 2)])
def test_stopped_and_resumed_on_another_grid(model, corpus, uninterrupted, tmp_path: Path, data, expert) -> None:
    run = tmp_path / "run"
    study = support.recording(model, corpus, run, expert)
    ended = interrupt(study, run, data * expert, 3, ask_to_stop)
    assert ended.code == support.RESUMABLE, ended
    resume(study, run, (3 - data) * expert, uninterrupted[expert])


@pytest.mark.parametrize(("data", "expert"), [(2, 1), (1, 2), (2, 2)])
def test_killed_and_repeated(model, corpus, uninterrupted, tmp_path: Path, data: int, expert: int) -> None:
    run = tmp_path / "run"
    study = support.recording(model, corpus, run, expert)
    ended = interrupt(study, run, data * expert, 5, kill_a_rank)
    assert ended.code not in (support.COMPLETE, support.RESUMABLE), ended
    resume(study, run, data * expert, uninterrupted[expert])


def test_wall_limit_stops_resumably(model, corpus, uninterrupted, tmp_path: Path) -> None:
    run = tmp_path / "run"
    study = support.recording(model, corpus, run)
    support.moerae("record", study | {"run.wall_limit": "0.000001"}, ranks=2, code=support.RESUMABLE)
    assert len(support.shards(run)) < len(uninterrupted[1])
    support.moerae("record", study, ranks=2)
    assert support.content(run) == uninterrupted[1]


def test_repeating_a_complete_run_writes_nothing(model, corpus, uninterrupted, tmp_path: Path) -> None:
    run = tmp_path / "run"
    study = support.recording(model, corpus, run)
    support.moerae("record", study, ranks=2)
    before, lines = identity(run), (run / "manifest.jsonl").read_text()
    support.moerae("record", study, ranks=1)
    assert identity(run) == before
    assert (run / "manifest.jsonl").read_text() == lines
