"""The cluster bootstrap and the permutation test of `reduce` against scipy.stats, on one thread and the same integers.

Both give the bootstrap's standard error of every expert's usage (1,999 resamples) and p values of the difference of two
groups over its standard error. scipy is called in three ways, each in the batch that was fastest in this run: "plain",
as its documentation shows, resamples the tables in numpy's default type; "float32" is the same in half the bytes; in
"rows" it resamples row numbers only, in float32, the statistic sums those rows, residuals and squares are computed once
and one group is summed. It runs few resamples and its time is scaled to ours by their number: its loop over batches is
linear in them. The programs run in turn (A B B A ...), and processor time is taken. What ours prepares once is counted
in its time; it also gives max-T, false discovery rates and the bound on true discoveries.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # read when numpy is loaded

import numpy as np
import scipy
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
GOALS = {"bootstrap": 50, "permutation": 25}
BATCHES = (1, 4, 16)


def made_usage(clusters: int, layers: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts [C, E] and tokens [C] of resample_rate.cpp."""
    c = np.arange(clusters, dtype=np.uint32)[:, None]
    e = np.arange(layers * 128, dtype=np.uint32)[None, :]
    mixed = (c * np.uint32(2654435761) + e * np.uint32(2246822519)) ^ (c * e * np.uint32(3266489917))
    tokens = 100 + np.arange(clusters, dtype=np.int64) * 7919 % 101
    return ((mixed >> np.uint32(8)) & np.uint32(47)).astype(np.int64), tokens


class Table:
    """What the statistics read, in one type. bootstrap puts resamples last, permutation_test first."""

    def __init__(self, count: np.ndarray, tokens: np.ndarray, dtype: str) -> None:
        self.dtype, self.count, self.tokens = dtype, count.astype(dtype), tokens
        self.wide_tokens = np.broadcast_to(tokens[:, None], count.shape).astype(dtype)
        self.rate = self.count / self.wide_tokens
        residual = count - count.sum(0) / tokens.sum() * tokens[:, None]
        self.residual, self.square = residual.astype(dtype), (residual**2).astype(dtype)
        self.all_residual, self.all_square = residual.sum(0), (residual**2).sum(0)
        self.rows = np.arange(len(tokens))

    def usage_of_rows(self, rows: np.ndarray, axis: int) -> np.ndarray:
        assert axis == -1
        return (self.count[rows].sum(-2) / self.tokens[rows].sum(-1)[..., None]).T

    def studentised_of_rows(self, a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        """|T|, about the pooled rate."""
        assert axis == -1
        n_a, n_b = (self.tokens[rows].sum(-1)[..., None] for rows in (a, b))
        r_a, s_a = self.residual[a].sum(-2), self.square[a].sum(-2)
        difference = r_a / n_a - (self.all_residual - r_a) / n_b
        return np.abs(difference) / np.sqrt(s_a / n_a**2 + (self.all_square - s_a) / n_b**2)


def usage(count: np.ndarray, tokens: np.ndarray, axis: int) -> np.ndarray:
    return count.sum(axis) / tokens.sum(axis)


def studentised(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
    """|T| of rates, as in Welch's test: permutation_test cannot keep a cluster's count and tokens together."""
    variance = a.var(axis, ddof=1) / a.shape[axis] + b.var(axis, ddof=1) / b.shape[axis]
    return np.abs(a.mean(axis) - b.mean(axis)) / np.sqrt(variance)


def bootstrap(table: Table, way: str, resamples: int, batch: int) -> np.ndarray:
    """Standard errors [E]."""
    common = {"n_resamples": resamples, "batch": batch, "vectorized": True, "method": "percentile"}
    if way != "rows":
        found = stats.bootstrap((table.count, table.wide_tokens), usage, paired=True, axis=0, rng=0, **common)
    else:
        found = stats.bootstrap((table.rows,), table.usage_of_rows, rng=0, **common)
    return found.standard_error


def permutation(table: Table, way: str, resamples: int, batch: int) -> np.ndarray:
    """Observed |T| [E]."""
    common = {"n_resamples": resamples, "batch": batch, "vectorized": True, "alternative": "greater"}
    if way != "rows":
        return stats.permutation_test(
            (table.rate[::2], table.rate[1::2]), studentised, axis=0, rng=0, **common
        ).statistic
    return stats.permutation_test(
        (table.rows[::2], table.rows[1::2]), table.studentised_of_rows, rng=0, **common
    ).statistic


PEERS = {"bootstrap": bootstrap, "permutation": permutation}
WAYS = {"plain": "float64", "float32": "float32", "rows": "float32"}  # and the type of each


def seconds(work: Callable[[], object]) -> float:
    """Of the processor: on a shared machine the clock on the wall also counts others."""
    start = time.process_time()
    work()
    return time.process_time() - start


def best_peer(mode: str, way: str, table: Table, resamples: int) -> Callable[[], object]:
    """In the batch of the best of two rounds."""
    took: dict[int, float] = {}
    for _, batch in product(range(2), BATCHES):
        few = max(batch, resamples // 4)
        took[batch] = min(seconds(partial(PEERS[mode], table, way, few, batch)) / few, took.get(batch, np.inf))
    tried = ", ".join(f"{batch}: {best * 1e3:.2f}" for batch, best in took.items())
    print(f"    scipy {way}, ms a resample by batch: {tried}")
    return partial(PEERS[mode], table, way, resamples, min(took, key=took.__getitem__))


def ours(program: Path, mode: str, clusters: int, layers: int, permutations: int) -> dict:
    words = [str(program), mode, str(clusters), str(layers), str(permutations)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"resample_rate failed (exit {ended.returncode}): {ended.stderr}")
    return json.loads(ended.stdout.splitlines()[-1])


def check(mode: str, answer: dict, table: Table) -> None:
    """The same question was answered: |T| agrees; errors agree with those of 500 resamples within their noise."""
    if mode == "permutation":
        np.testing.assert_allclose(np.abs(answer["t"]), permutation(table, "rows", 1, 1)[:16], rtol=1e-4)
        return
    errors = bootstrap(Table(table.count[:, :8], table.tokens, "float64"), "plain", 500, 16)
    np.testing.assert_allclose(answer["errors"], errors, rtol=0.15)  # 3 % of 500, three times and more


def spread(values: np.ndarray, form: str) -> str:
    return f"{np.median(values):{form}} ({np.min(values):{form}} .. {np.max(values):{form}})"


def compare(mode: str, clusters: int, args: argparse.Namespace) -> bool:
    count, tokens = made_usage(clusters, args.layers)
    tables = {dtype: Table(count, tokens, dtype) for dtype in ("float32", "float64")}
    resamples = max(4, args.scipy_rows // clusters)
    print(f"{mode}, {clusters} clusters x {args.layers * 128} experts; scipy runs {resamples} resamples")
    check(mode, ours(args.program, mode, clusters, args.layers, args.permutations), tables["float64"])
    peers = {way: best_peer(mode, way, tables[dtype], resamples) for way, dtype in WAYS.items()}
    took: dict[str, list[float]] = {side: [] for side in ("ours", *WAYS)}
    for pair in range(args.pairs):
        for side in took if pair % 2 == 0 else reversed(took):
            if side == "ours":
                answer = ours(args.program, mode, clusters, args.layers, args.permutations)
                took[side].append(answer["seconds"] / answer["replicates"])
            else:
                took[side].append(seconds(peers[side]) / resamples)
    mine = np.asarray(took["ours"])
    print(f"    reduce {spread(mine * 1e3, '.3f')} ms a resample, {args.pairs} pairs")
    ratios = {way: np.asarray(took[way]) / mine for way in WAYS}
    for way, ratio in ratios.items():
        name = f"scipy {way} (batch {peers[way].args[-1]})"
        print(f"    {name} {spread(np.asarray(took[way]) * 1e3, '.2f')} ms a resample: ratio {spread(ratio, '.1f')}")
    reached = bool(np.median(ratios["plain"]) >= GOALS[mode])
    print(f"    goal {GOALS[mode]} against plain: {'reached' if reached else 'missed'}", flush=True)
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--clusters", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--layers", type=int, default=48, help="of 128 experts")
    parser.add_argument("--permutations", type=int, default=20000, help="of ours")
    parser.add_argument("--scipy-rows", type=int, default=40000, help="rows that scipy resamples in one run")
    parser.add_argument("--modes", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/tests/bench/resample_rate")
    args = parser.parse_args()
    if not args.program.is_file():
        sys.exit(f"{args.program} is not built; run `bash jobs/setup.sh` first, or give --program")
    found = re.search(r"model name.*: (.*)", Path("/proc/cpuinfo").read_text())
    print(f"processor: {found[1] if found else 'unknown'}; one thread; scipy {scipy.__version__}")
    return 0 if all([compare(mode, n, args) for n in args.clusters for mode in args.modes]) else 1


if __name__ == "__main__":
    sys.exit(main())
