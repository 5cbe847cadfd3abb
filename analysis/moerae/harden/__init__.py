"""What tuning experts does, and what tuning others would have done: every arm at the budget of one study.

    python -m moerae harden STUDY.ini --out DIR

For every arm (the set of the study, its matched random controls, the most used experts, all experts, further sets):
`tune`, then routing and replies with the adapter. Of the arm `chosen` also the concentration test: experts are selected
again on the tuned model, and the new ones are masked. DIR/ARM is a run directory each; DIR/harden.csv is the table.
Repeating the command goes on.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from moerae.errors import ConfigError
from moerae.files.publish import publishing
from moerae.harden.arms import Arm, find_arms
from moerae.harden.table import SHOWN, table
from moerae.harden.work import Work
from moerae.program import Program


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", type=Path, metavar="STUDY.ini", help="with [tune]; its run is recorded and reduced")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="run directories of the arms, and harden.csv"
    )
    parser.add_argument("--controls", type=int, default=3, metavar="N", help="matched random sets tuned (default 3)")
    parser.add_argument(
        "--also",
        default="used,all",
        metavar="ARM[,ARM]",
        help="further arms: used (the most used experts), all (every expert), or names of sets of the run, cut to "
        "the size of the chosen one (default: used,all)",
    )
    parser.add_argument(
        "--judge",
        default="exact",
        metavar="WORDS",
        help='what `python -m moerae judge RUN --judge` is given, in one word: "rules", "command --command CMD", ...',
    )
    parser.add_argument(
        "--launch", default="", metavar="WORDS", help='before the program: "mpirun -n 2 --bind-to none"'
    )
    parser.add_argument("--moerae", type=Path, metavar="FILE", help="the program (default: the built one)")


def run(args: argparse.Namespace) -> int:
    if not args.study.is_file():
        raise ConfigError(f"{args.study}: no such study")
    if args.controls < 0:
        raise ConfigError("--controls: a number from 0")
    program = Program.find(args.moerae, tuple(shlex.split(args.launch)), threads=None)
    also = [word for word in args.also.split(",") if word]
    out = args.out.resolve()
    arms = find_arms(program, args.study, out, args.controls, also)
    work = Work(program, args.study.resolve(), out, tuple(shlex.split(args.judge)), arms[1])
    for number, arm in enumerate(arms, 1):
        print(f"harden: {arm.name} ({number} of {len(arms)}): {len(arm.experts)} experts", flush=True)
        work.do(arm)
    (held_out,) = program.values(args.study, ["tune.hold_out"])
    found = table(out, arms, [word.strip() for word in held_out.split(",") if word.strip()])
    with publishing(out / "harden.csv") as temporary:
        found.to_csv(temporary, index=False, float_format="%.6g")
    print(found[SHOWN].round(3).to_string(index=False, na_rep=""))
    print(out / "harden.csv")
    return 0


__all__ = ["Arm", "configure", "run"]
