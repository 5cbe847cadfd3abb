"""`python -m moerae report RUN...`: what `moerae reduce` found, as one HTML page, PNG and CSV.

The page needs no other file and no network. Everything on it is in-sample (discovery split), and says so.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from moerae.errors import ConfigError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directories that hold reduce/")
    parser.add_argument(
        "--truth",
        action="append",
        type=Path,
        default=[],
        help="truth.json of a planted model: one for all runs, or one for each in their order",
    )
    parser.add_argument("--out", type=Path, help="folder to write (default: report/ in the first run)")
    parser.add_argument("--reduce", help="folder of the scores where a run has several (reduce-<hash>)")
    parser.add_argument("--top", type=int, default=20, help="experts listed per criterion (default 20)")


def run(args: argparse.Namespace) -> int:
    from moerae.report.page import write_report

    if len(args.truth) not in (0, 1, len(args.runs)):
        raise ConfigError(f"--truth is given {len(args.truth)} times for {len(args.runs)} runs; once, or once for each")
    if args.top < 1:
        raise ConfigError(f"--top {args.top}: at least one expert is listed")
    truths = args.truth * len(args.runs) if len(args.truth) == 1 else args.truth or [None] * len(args.runs)
    out = args.out or args.runs[0] / "report"
    page = write_report(args.runs, truths, out, args.reduce, args.top)
    print(f"wrote {page}")
    return 0
