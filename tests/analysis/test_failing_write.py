"""A disk that fills up: an error that names the file, no hang, finished shards intact, and the same command completes.

A limit on the size of files stands in for the disk: write(2) fails with EFBIG where it would fail with ENOSPC.
"""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest
import support
from moerae.reference import checkpoints


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards that grow: the lengths of the prompts ascend."""
    folder = tmp_path_factory.mktemp("complete")
    model = checkpoints.make("qwen3-grouped", folder / "model")
    lengths = [4 + 2 * i for i in range(48)]
    corpus = support.random_corpus(folder / "corpus.h5", lengths, checkpoints.VOCABULARY)
    support.moerae("record", support.recording(model, corpus, folder / "run"))
    return folder


def middle(run: Path) -> int:
    sizes = sorted(path.stat().st_size for path in support.shards(run))
    assert sizes[0] < sizes[len(sizes) // 2], "shards of one size: none or all would fail"
    return sizes[len(sizes) // 2] - 1


def resumes(complete: Path, study: dict[str, object], run: Path) -> None:
    want, left = support.content(complete / "run"), support.content(run)
    assert left.items() <= want.items(), "a finished shard is damaged"
    assert len(left) < len(want)
    support.moerae("record", study, ranks=1)
    assert support.content(run) == want
    support.moerae("verify", {"run.dir": run})


def test_one_rank(complete: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    study = support.recording(complete / "model", complete / "corpus.h5", run)
    limit = middle(complete / "run")

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    ended = support.moerae("record", study, code=support.OTHER, before=small_files)
    support.assert_one_error(ended, ["shard-"])
    resumes(complete, study, run)


@pytest.mark.parametrize("expert", [1, 2])
def test_one_of_two_ranks(complete: Path, tmp_path: Path, expert: int) -> None:
    """The other rank is neither left waiting nor does it report success."""
    run = tmp_path / "run"
    study = support.recording(complete / "model", complete / "corpus.h5", run, expert)
    limit = middle(complete / "run")
    keys = [word for key, value in study.items() for word in (f"--{key}", str(value))]
    program = [str(support.program()), "record", *keys]
    starved = ["bash", "-c", f'trap "" XFSZ; ulimit -f {limit // 1024}; exec "$@"', "-", *program]
    command = ["mpirun", "--bind-to", "none", "-n", "1", *program, ":", "-n", "1", *starved]
    env = {"OMPI_MCA_btl": "self,tcp"}  # shared memory is a file too, and larger than the limit
    ended = support.Running(command, env).wait(60)
    assert ended.code == support.OTHER, ended
    support.assert_one_error(ended, ["shard-", "rank 1"])
    if expert == 1:  # other expert widths differ in the last bits
        resumes(complete, study, run)
