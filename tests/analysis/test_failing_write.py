"""A disk that fills up: an error that names the file, no hang, finished shards intact, and the same command completes.

A limit on the size of files stands in for the disk: write(2) fails with EFBIG where it would fail with ENOSPC.
"""

from __future__ import annotations

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


@pytest.mark.parametrize(("ranks", "expert"), [(1, 1), (2, 1), (2, 2)])
def test_the_last_rank_cannot_write(complete: Path, tmp_path: Path, ranks: int, expert: int) -> None:
    """The other rank is neither left waiting nor does it report success."""
    run = tmp_path / "run"
    study = support.recording(complete / "model", complete / "corpus.h5", run, expert)
    keys = [word for key, value in study.items() for word in (f"--{key}", str(value))]
    program = [str(support.program()), "record", *keys]
    kilobytes = middle(complete / "run") // 1024
    starved = ["-n", "1", "bash", "-c", f'trap "" XFSZ; ulimit -f {kilobytes}; exec "$@"', "-", *program]
    first = ["-n", "1", *program, ":"] if ranks == 2 else []
    env = {"OMPI_MCA_btl": "self,tcp"}  # shared memory is a file too, and larger than the limit
    ended = support.Running(["mpirun", "--bind-to", "none", *first, *starved], env).wait(60)
    assert ended.code == support.OTHER, ended
    support.assert_one_error(ended, ["shard-", *(["rank 1"] if ranks == 2 else [])])
    if expert == 1:  # other expert widths differ in the last bits
        resumes(complete, study, run)
