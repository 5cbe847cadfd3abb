"""What the black-box tests of the programs share: how they are run, and tiny corpora."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from moerae.files.corpus import Prompt, write_corpus
from moerae.files.hashing import content_hash

ROOT = Path(__file__).resolve().parents[2]
COMPLETE, OTHER, CONFIG, DATA, RESUMABLE = 0, 1, 2, 3, 75  # exit codes
# ranks may be root, more than cores, and must give way to each other while they wait
MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMP_NUM_THREADS": "1",
}


def program() -> Path:
    """The binary under test; its absence is a failure, for a suite that skips it tests nothing."""
    path = Path(os.environ.get("MOERAE", ROOT / "build/release/moerae"))
    assert path.is_file(), f"{path} is not built, so nothing can be tested; run `bash jobs/setup.sh` or set MOERAE"
    return path


@dataclass
class Finished:
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out[-3000:]}\n--- stderr\n{self.err[-3000:]}"


class Running:
    """One started job in a session of its own, so that a hang takes down neither the test nor its neighbours."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env=os.environ | MPI | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",  # an error may quote the bytes of a broken file
            start_new_session=True,
        )

    def wait(self, timeout: float) -> Finished:
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            out, err = self.process.communicate()
            ended = Finished(self.process.returncode, out, err)
            raise AssertionError(f"still running after {timeout} s: {self.process.args}\n{ended}") from None
        return Finished(self.process.returncode, out, err)

    def ranks(self) -> list[int]:
        """Process ids of the ranks: the children of mpirun."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in children.read_text().split()] if children.exists() else []

    def kill(self) -> None:
        for pid in [*self.ranks(), self.process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def start(
    command: str,
    study: dict[str, object],
    ranks: int | None = None,
    env: dict[str, str] | None = None,
) -> Running:
    """Starts `moerae COMMAND --key value ...` on `ranks` ranks (None: without mpirun)."""
    launcher = [] if ranks is None else ["mpirun", "-n", str(ranks), "--bind-to", "none"]
    keys = [word for key, value in study.items() for word in (f"--{key}", str(value))]
    return Running([*launcher, str(program()), *command.split(), *keys], env or {})


def moerae(
    command: str,
    study: dict[str, object],
    ranks: int | None = None,
    env: dict[str, str] | None = None,
    timeout: float = 120,
    code: int | None = COMPLETE,
) -> Finished:
    """Runs a command to its end; `code` is the exit code it must have (None: any)."""
    finished = start(command, study, ranks, env).wait(timeout)
    assert code is None or finished.code == code, f"expected exit {code} of {command} {study}\n{finished}"
    return finished


def call(command: str, *words: str, ranks: int | None = None) -> Finished:
    """Runs `moerae COMMAND WORDS` to its end, whatever its exit code."""
    launcher = [] if ranks is None else ["mpirun", "-n", str(ranks), "--bind-to", "none"]
    return Running([*launcher, str(program()), command, *words], {}).wait(60)


def status(folder: Path, *words: str) -> tuple[int, dict[tuple[str, str], dict[str, str]]]:
    """Exit code of `moerae status`, and its rows by run and stage."""
    done = call("status", str(folder), "--csv", *words)
    rows = {(row["run"], row["stage"]): row for row in csv.DictReader(io.StringIO(done.out))}
    return done.code, rows


def random_corpus(path: Path, lengths: list[int], vocabulary: int, seed: int = 0) -> Path:
    """Rows of random tokens, alternately of set 'a' and 'b'; every third has its last quarter as a response."""
    random = np.random.default_rng(seed)
    prompts = []
    for i, length in enumerate(lengths):
        tokens = [int(token) for token in random.integers(0, vocabulary, length)]
        response = length - length // 4 if i % 3 == 0 and length >= 4 else None
        content = (min(1, length - 1), length if response is None else response)
        prompts.append(Prompt(tokens, set="ab"[i % 2], cluster=i // 2, content=content, response=response))
    write_corpus(path, prompts, {"tokenizer_hash": "0" * 32})
    return path


def expert_set(path: Path, experts: list[tuple[int, int]], **fields: object) -> Path:
    """An expert set, best first; `fields` override those of the file."""
    members = [{"layer": layer, "expert": expert, "score": -float(i)} for i, (layer, expert) in enumerate(experts)]
    made = {"schema": "moerae.expert_set/1", "name": path.stem, "criterion": "ses", "model": "m", "provenance": {}}
    path.write_text(json.dumps(made | {"experts": members} | fields))
    return path


def recording(model: Path, corpus: Path, run: Path, expert: int = 1, **record: object) -> dict[str, object]:
    """The keys of a recording in float32 with everything kept; `record` overrides keys of [record]."""
    keys = {"routing": "true", "logits": "all", "precision": "float32", "batch_tokens": 128, "shard_prompts": 4}
    study = {
        "model.path": model,
        "model.dtype": "float32",
        "corpus.path": corpus,
        "run.dir": run,
        "grid.expert": expert,
    }
    return study | {f"record.{key}": value for key, value in (keys | record).items()}


def shards(run: Path) -> list[Path]:
    return sorted((run / "record").glob("shard-*.h5"))


def content(run: Path) -> dict[str, str]:
    """Shard name -> hash of what must be the same bytes."""
    return {path.name: content_hash(path) for path in shards(run)}


def manifest(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "manifest.jsonl").read_text().splitlines()]


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.002)


def interrupt(command: str, study: dict[str, object], ranks: int, sign: int, begun: Callable[[], bool]) -> Finished:
    """Starts a command and, when it has `begun`, sends `sign` to mpirun, which forwards it, SIGKILL to a rank."""
    job = start(command, study, ranks)
    try:
        wait_for(lambda: begun() or job.process.poll() is not None, 60, "a first result")
        killed = job.ranks()[:1] if sign == signal.SIGKILL else [job.process.pid]
        assert killed, f"it was through before it could be interrupted\n{job.wait(60)}"
        os.kill(killed[0], sign)
        ended = job.wait(60)
    finally:
        job.kill()
    assert (ended.code == RESUMABLE) == (sign == signal.SIGUSR1), ended
    return ended


def interrupt_and_repeat(
    command: str, study: dict[str, object], ranks: int, sign: int, files: str, want: dict[str, str]
) -> None:
    """A command that is interrupted behind its third file, and one that a rank died of in the middle of a file,
    are completed by repeating them. `files`: pattern of what the command writes in its folder of the run; `want`:
    the hashes of that by path."""
    run = Path(str(study["run.dir"]))
    folder = run / command
    written = lambda: list(folder.glob(files))  # noqa: E731
    ended = interrupt(command, study, ranks, sign, lambda: len(written()) >= 3)
    assert 0 < len(written()) < len(want), f"not interrupted in the middle\n{ended}"
    for path in written():
        (path.parent / f".{path.name}.1.tmp").write_text("torn")  # as the writer leaves it that is killed
    moerae(command, study, ranks)
    assert {path.relative_to(folder).as_posix(): content_hash(path) for path in written()} == want
    assert "nothing to do" in moerae(command, study, ranks).err
    moerae("verify", {"run.dir": run})


def assert_one_error(ended: Finished, words: list[str]) -> None:
    """One message, whatever the number of ranks, with everything in it that helps to find the fault."""
    assert ended.err.count("moerae: error:") == 1, ended
    message = ended.err[ended.err.index("moerae: error:") :]
    missing = [word for word in words if word not in message]
    assert not missing, f"the error does not say {missing}\n{ended}"
