"""The program on one model: recorded once, reduced at each corpus size; a reduction is found by its keys."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from moerae.errors import ConfigError, DataError, MoeraeError
from moerae.suite.plan import Plan

CRITERIA = (
    "risk_difference",
    "log_odds",
    "gate_mass",
    "js",
    "js_debiased",
    "ot_cost",
    "studentised",
    "paired_t",
    "within_topic",
    "cmh_token",
    "template_gate",
)
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

    def __call__(self, command: str, study: dict[str, object], log: Path) -> None:
        words = [word for key, value in study.items() for word in (f"--{key}", str(value))]
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "w") as handle:
            ended = subprocess.run(
                [str(self.path), command, *words],
                env=os.environ | ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if ended.returncode:
            raise MoeraeError(
                f"{self.path.name} {command} ended with {ended.returncode} (log: {log}):\n{log.read_text()[-2000:]}"
            )


def record(program: Program, model: Path, run: Path) -> None:
    """Does nothing where the record is complete."""
    keys = {"model.path": model, "corpus.path": model / "corpus.h5", "run.dir": run, "model.dtype": "float32"}
    program("record", keys, run / "log/suite-record.log")


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
    log = run / f"log/suite-reduce-{size}.log"
    program("reduce", {"run.dir": run, **keys_of(plan, size)}, log)
    return folder_named_in(log)


def folder_named_in(log: Path) -> str:
    """The reduce folder that the program says it wrote, or found complete: other keys have other folders."""
    named = re.findall(r"/(reduce(?:-[0-9a-f]+)?): scores", log.read_text())
    if not named:
        raise DataError(f"{log}: does not name the folder of the scores; reduce with the program of this version")
    return named[-1]
