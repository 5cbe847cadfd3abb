"""The program on one model: recorded and attributed once, reduced at each size; a reduction is found by its keys."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from moerae.errors import ConfigError, DataError, MoeraeError
from moerae.suite.plan import Plan

# both benign sets at once: an expert must be used more than by either
GROUPS = ("regular:permitted", "regular:lookalike", "regular:permitted/lookalike")
# one thread and one rank: the models are shared out instead
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}


@dataclass(frozen=True)
class Program:
    path: Path

    @classmethod
    def find(cls, given: Path | None) -> Program:
        built = Path(__file__).resolve().parents[3] / "build/release/moerae"
        on_path = shutil.which("moerae")
        asked = given or (Path(os.environ["MOERAE"]) if "MOERAE" in os.environ else None)
        path = asked or (built if built.is_file() else Path(on_path or built))
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise ConfigError(f"{path}: no such program, and it records and reduces; build it, or name it by --moerae")
        return cls(path.resolve())

    def __call__(self, command: str, study: dict[str, object], log: Path) -> str:
        """Runs a stage, its log into `log`; what it wrote to standard output."""
        words = [word for key, value in study.items() for word in (f"--{key}", str(value))]
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "w") as handle:
            ended = self._run([command, *words], stderr=handle)
        if ended.returncode:
            raise MoeraeError(
                f"{self.path.name} {command} ended with {ended.returncode} (log: {log}):\n{log.read_text()[-2000:]}"
            )
        return ended.stdout

    def criteria(self, kind: str = "criteria") -> list[str]:
        """Names of the contrasts that it knows, as `moerae info` lists them; `causal`: those of `attribute`."""
        for line in self._run(["info"], stderr=subprocess.DEVNULL).stdout.splitlines():
            name, *words = line.split()
            if name == kind:
                return words
        raise MoeraeError(f"{self.path}: `info` lists no {kind}; build the program of this version")

    def _run(self, words: list[str], stderr: IO[str] | int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.path), *words],
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )


def _model(model: Path, run: Path) -> dict[str, object]:
    return {"model.path": model, "corpus.path": model / "corpus.h5", "run.dir": run, "model.dtype": "float32"}


def record(program: Program, model: Path, run: Path) -> None:
    """Does nothing where the record is complete."""
    program("record", _model(model, run), run / "log/suite-record.log")


def attribute(program: Program, plan: Plan, model: Path, run: Path) -> None:
    """For those of the criteria that are made of it."""
    if asked := _attributed(program, plan):
        program("attribute", _model(model, run) | asked, run / "log/suite-attribute.log")


def _attributed(program: Program, plan: Plan) -> dict[str, object]:
    """Keys of the attribution; of several in a run they also say which one is reduced."""
    asked = [name for name in program.criteria("causal") if name in plan.criteria]
    return {"attribute.criteria": ",".join(asked), "attribute.batch_tokens": 8192} if asked else {}


def keys_of(plan: Plan, size: int) -> dict[str, str]:
    """Keys of the reduction at one corpus size. Without permutations and controls: scores are what is compared."""
    return {
        "reduce.clusters": str(size),
        "reduce.controls": "0",
        "ses.regular": "regular",
        "ses.jailbreak": "jailbreak",
        "contrast.criteria": ",".join(plan.criteria),
        "contrast.groups": ",".join(plan.groups),
        "contrast.permutations": "0",
        **plan.keys,
    }


def reduce(program: Program, plan: Plan, run: Path, size: int) -> str:
    """Reduces where needed; the name of the folder with the scores."""
    keys = {"run.dir": run, **keys_of(plan, size), **_attributed(program, plan)}
    named = program("reduce", keys, run / f"log/suite-reduce-{size}.log").split()
    if not named:
        raise DataError(f"{program.path}: names no folder of scores; reduce with the program of this version")
    return Path(named[-1]).name
