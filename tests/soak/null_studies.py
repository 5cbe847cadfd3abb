"""Null studies through the program with as many runs as there is time for: a table of observed levels.

    MOERAE=build/release/moerae .venv/bin/python tests/soak/null_studies.py [--runs 2000] [--seed 1]

Exit 1 where a test fires more often than its level allows (three standard errors), or where a study that must show why
strata are needed does not fire. `tests/analysis/test_null.py` runs the same with 400 runs each.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "analysis"))

import null_data
from moerae.refusal.intervals import wilson
from null_runs import allowed, selected_by_chance, smallest_p
from support import ROOT

ESFT = ROOT / "../shared/data/esft"
STRATA, FREE = "topic,length", "none"
# what is drawn, criterion, strata, whether the level must hold
STUDIES = [
    ("random_split", "studentised", STRATA, True),
    ("random_split", "within_topic", STRATA, True),
    ("pairs", "paired_t", STRATA, True),
    ("pairs", "studentised", STRATA, True),
    ("long_labels", "studentised", STRATA, True),
    ("long_labels", "studentised", FREE, False),
    ("hot_topics", "studentised", STRATA, True),
    ("hot_topics", "within_topic", STRATA, True),
    ("hot_topics", "studentised", FREE, False),
]
PUBLISHED = [
    ("intent", "random_split", "studentised", STRATA, True),
    ("intent", "long_labels", "studentised", STRATA, True),
    ("intent", "long_labels", "studentised", FREE, False),
    ("intent", "long_against_short", "studentised", FREE, False),
    ("law", "random_split", "studentised", FREE, True),
    ("law", "long_against_short", "studentised", FREE, False),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    studies = [("made", getattr(null_data, name), *rest) for name, *rest in STUDIES]
    for task, name, *rest in PUBLISHED:
        if (ESFT / f"{task}.h5").is_file():
            studies.append((task, getattr(null_data.Trace.read(ESFT / f"{task}.h5"), name), *rest))
        else:
            print(f"published trace {task}: not at {ESFT}, {name} is left out")
    bad = 0
    print(f"{'data':8}{'groups':20}{'criterion':14}{'strata':14}{'runs':>6}  p <= .05 (95 %)")
    for data, draw, criterion, within, holds in studies:
        start = time.monotonic()
        runs = args.runs if holds else max(40, args.runs // 10)
        with tempfile.TemporaryDirectory() as folder:
            p = smallest_p(Path(folder), draw, criterion, within, runs, args.seed)
        fired = int((p <= 0.05).sum())
        low, high = wilson(fired, runs)
        good = fired / runs <= allowed(runs) if holds else fired / runs > 0.2
        bad += not good
        print(
            f"{data:8}{draw.__name__:20}{criterion:14}{within:14}{runs:6}  {fired / runs:.4f} ({low:.4f}, {high:.4f})"
            f"{'' if holds else '  strata are needed'}{'' if good else '  FAILS'}  {time.monotonic() - start:.0f} s",
            flush=True,
        )
    with tempfile.TemporaryDirectory() as folder:
        for threshold, counts in selected_by_chance(Path(folder), args.runs, 4 / 32, [0.6, 0.75, 0.9]).items():
            print(f"selected by chance at tau {threshold}: {counts.mean():.4f} of 32 on average over {args.runs} runs")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
