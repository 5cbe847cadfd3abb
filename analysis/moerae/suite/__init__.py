"""`python -m moerae suite`: trains planted models, records and reduces each, scores every criterion against the truth.

One command that repeats cheaply: models, records and scores that are there are kept. DIR holds

    <variant>-<seed>/               the model, its corpus, its measured truth (see `planted`)
    <variant>-<seed>.rejected.json  a seed whose proof failed, and why: skipped from then on, and reported
    runs/<variant>-<seed>/          its run: one record, one reduction for each corpus size
    suite.csv                       one row for each model, corpus size, criterion and comparison
    suite.json                      what was asked for

`python -m moerae report --suite DIR --out PAGE` compares the criteria over seeds.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from moerae.errors import ConfigError
from moerae.planted.variants import VARIANTS
from moerae.suite.reduce import GROUPS

SLOW = ("single_mask", "random_mask")  # many passes a prompt
ASKED = ("natural", "topical", "silent", "base", "hard", "sharp", "wide")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cache", type=Path, help="folder of models and runs (default ~/.cache/moerae/suite)")
    parser.add_argument("--variants", default=",".join(ASKED), help=f"default {','.join(ASKED)}")
    parser.add_argument("--seeds", default="10-19", help="such as 0-9 (development) or 10-19 (reported, default)")
    parser.add_argument("--clusters", type=int, default=1100, help="of each corpus; half are discovery (default 1100)")
    parser.add_argument(
        "--sizes", default="50,100,200,500", help="discovery clusters that are reduced, 0: all (default 50,100,200,500)"
    )
    parser.add_argument("--criteria", default="", help=f"default: all that the program has, but {' and '.join(SLOW)}")
    parser.add_argument("--groups", default=",".join(GROUPS), help=f"comparisons (default {','.join(GROUPS)})")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="another key of `moerae reduce`; results under other keys stand beside each other",
    )
    parser.add_argument("--moerae", type=Path, help="the program (default: $MOERAE, build/release/moerae, or on PATH)")
    parser.add_argument("--no-train", action="store_true", help="leave out models that are not there yet")
    parser.add_argument("--jobs", type=int, default=1, help="models worked on at once, one thread each (default 1)")


def run(args: argparse.Namespace) -> int:
    from moerae.program import Program
    from moerae.suite.cache import Cache
    from moerae.suite.plan import Plan, numbers, pairs, words
    from moerae.suite.work import work

    program = Program.find(args.moerae)
    known = program.criteria()
    plan = Plan(
        variants=words(args.variants, "--variants", list(VARIANTS)),
        seeds=numbers(args.seeds, "--seeds"),
        clusters=args.clusters,
        sizes=numbers(args.sizes, "--sizes"),
        criteria=words(args.criteria or ",".join(c for c in known if c not in SLOW), "--criteria", known),
        groups=words(args.groups, "--groups"),
        keys=pairs(args.key, "--key"),
    )
    plan.check()
    if args.jobs < 1:
        raise ConfigError(f"--jobs {args.jobs}: at least one model is worked on at a time")
    with Cache.open(args.cache or default_cache()) as cache:
        work(cache, plan, program, args.jobs, not args.no_train)
    return 0


def default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "moerae/suite"
