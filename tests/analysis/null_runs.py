"""Many null comparisons through the program: one made run holds a batch of them, each between two sets of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from made_groups import Usage, write_run
from moerae import open_run
from moerae.files.corpus import Prompt
from null_data import Rows, permuted_experts
from support import moerae

PERMUTATIONS = 199  # of which .05 is a multiple: the level can be reached exactly
BATCH = 40


def write_batch(path: Path, comparisons: list[Rows]) -> Path:
    """Sets a0, b0, a1, b1, ...; clusters of different comparisons have nothing in common, not even their draws."""
    prompts, counts, tokens = [], [], []
    for number, rows in enumerate(comparisons):
        for i, in_a in enumerate(rows.in_a):
            n = int(rows.tokens[i])
            topic = None if rows.topic[i] < 0 else f"topic {rows.topic[i]}"
            cluster = 10_000 * number + int(rows.cluster[i])
            prompts.append(Prompt(range(n), f"{'ab'[not in_a]}{number}", cluster, (0, n), topic=topic, split=0))
        counts.append(rows.count)
        tokens.append(rows.tokens)
    count = np.concatenate(counts)
    usage = Usage(np.zeros((len(count), 3, *count.shape[1:]), np.int64), np.zeros((len(count), 3), np.int64), 0)
    usage.count[:, 1], usage.tokens[:, 1], usage.top_k = count, np.concatenate(tokens), comparisons[0].top_k
    return write_run(path, prompts, usage)


def keys(run: Path, batch: int, criterion: str, within: str, seed: int = 0) -> dict[str, object]:
    return {
        "run.dir": run,
        "run.seed": seed,
        "contrast.criteria": criterion,
        "contrast.groups": ",".join(f"a{i}:b{i}" for i in range(batch)),
        "contrast.permutations": PERMUTATIONS,
        "contrast.permute_within": within,
        "reduce.controls": 0,
        "ses.sets": "a0",
        "ses.samples": 2,
        "select.one.criterion": criterion,
        "select.one.groups": "a0:b0",
        "select.one.count": 1,
    }


def smallest_p(
    folder: Path,
    draw: Callable[[np.random.Generator], Rows],
    criterion: str,
    within: str = "topic,length",
    runs: int = 400,
    seed: int = 0,
) -> np.ndarray:
    """[runs] the smallest adjusted p of each comparison: at most .05 in at most 5 % of them where the test holds."""
    found = []
    for first in range(0, runs, BATCH):
        n = min(BATCH, runs - first)
        rng = np.random.default_rng([seed, first])
        run = write_batch(folder / f"batch-{first}", [draw(rng) for _ in range(n)])
        moerae("reduce", keys(run, n, criterion, within, seed), timeout=600)
        opened = open_run(run)
        found += [opened.contrast(criterion, f"a{i}:b{i}")["p_adjusted"].values.min() for i in range(n)]
        shutil.rmtree(run)
    return np.array(found)


def refusal(folder: Path, draw: Callable[[np.random.Generator], Rows], criterion: str) -> str:
    """Why there are no p values of such a comparison."""
    run = write_batch(folder / "refused", [draw(np.random.default_rng(0))])
    moerae("reduce", keys(run, 1, criterion, "topic,length"))
    part = open_run(run).contrast(criterion, "a0:b0")
    assert "p_adjusted" not in part and "q" not in part
    return str(part["score"].attrs["significance_refused"])


def allowed(runs: int, level: float = 0.05) -> float:
    """Share of false alarms that a test of this level may show: three standard errors above it."""
    return level + 3 * np.sqrt(level * (1 - level) / runs)


def selected_by_chance(folder: Path, runs: int, alpha: float, thresholds: list[float]) -> dict[float, np.ndarray]:
    """Usage in which experts are exchangeable, their ids permuted per prompt and layer: by threshold, how many are
    selected over the whole model [runs]."""
    found: dict[float, list[int]] = {threshold: [] for threshold in thresholds}
    for first in range(0, runs, BATCH):
        n = min(BATCH, runs - first)
        rng = np.random.default_rng([1, first])
        comparisons = [permuted_experts(rng) for _ in range(n)]
        run = write_batch(folder / f"batch-{first}", comparisons)
        sets = ",".join(f"a{i}" for i in range(n))
        study = {"run.dir": run, "run.seed": first, "ses.sets": sets, "ses.scope": "model", "ses.alpha": alpha}
        moerae("reduce", study | {"reduce.controls": 0}, timeout=600)
        opened = open_run(run)
        for i in range(n):
            frequency = opened.scores[f"ses/a{i}/frequency"].values
            for threshold, counts in found.items():
                counts.append(int((frequency >= threshold - 1e-9).sum()))
        shutil.rmtree(run)
    return {threshold: np.array(counts) for threshold, counts in found.items()}
