"""`python -m moerae report RUN...`: what `moerae reduce` found, as one HTML page, PNG and CSV; `--suite DIR` instead
compares the criteria over the planted models of a suite.

The page needs no other file and no network. What is in-sample (discovery split) says so.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from moerae.errors import ConfigError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run directories that hold reduce/")
    parser.add_argument(
        "--truth",
        action="append",
        type=Path,
        default=[],
        help="truth.json of a planted model: one for all runs, or one for each in their order",
    )
    parser.add_argument("--suite", type=Path, metavar="DIR", help="cache of `python -m moerae suite`, instead of runs")
    parser.add_argument(
        "--reference", help="'CRITERION GROUPS' the others are compared with (default: the best); with --suite"
    )
    parser.add_argument("--out", type=Path, help="folder to write (default: report/ in the first run, or in DIR)")
    parser.add_argument("--reduce", help="folder of the scores where a run has several (reduce-<hash>)")
    parser.add_argument("--top", type=int, default=20, help="experts listed per criterion (default 20)")


def run(args: argparse.Namespace) -> int:
    if bool(args.runs) == (args.suite is not None):
        raise ConfigError("report: give run directories, or --suite DIR; one of them")
    if args.suite is not None:
        from moerae.report.suite_page import write_suite_report

        if args.truth or args.reduce:
            raise ConfigError("--truth and --reduce belong to runs; a suite has its own")
        print(f"wrote {write_suite_report(args.suite, args.out or args.suite / 'report', args.reference)}")
        return 0
    from moerae.report.page import write_report

    if args.reference:
        raise ConfigError("--reference belongs to --suite")
    if len(args.truth) not in (0, 1, len(args.runs)):
        raise ConfigError(f"--truth is given {len(args.truth)} times for {len(args.runs)} runs; once, or once for each")
    if args.top < 1:
        raise ConfigError(f"--top {args.top}: at least one expert is listed")
    truths = args.truth * len(args.runs) if len(args.truth) == 1 else args.truth or [None] * len(args.runs)
    out = args.out or args.runs[0] / "report"
    page = write_report(args.runs, truths, out, args.reduce, args.top)
    print(f"wrote {page}")
    return 0
