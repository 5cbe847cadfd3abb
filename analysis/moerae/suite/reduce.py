"""The program on one model: recorded and attributed once, reduced at each size; a reduction is found by its keys."""

from __future__ import annotations

from pathlib import Path

from moerae.errors import DataError
from moerae.program import Program
from moerae.suite.plan import Plan

# both benign sets at once: an expert must be used more than by either
GROUPS = ("regular:permitted", "regular:lookalike", "regular:permitted/lookalike")


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
