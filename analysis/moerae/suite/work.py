"""Brings a suite to its end: for each model train, record, reduce at each size, score. What is there is kept."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from moerae.errors import MoeraeError
from moerae.files.publish import publishing
from moerae.program import Program
from moerae.suite.cache import Cache
from moerae.suite.plan import Plan
from moerae.suite.progress import Progress
from moerae.suite.reduce import attribute, record, reduce
from moerae.suite.score import rows, write
from moerae.suite.train import last_line, train

HEARTBEAT = 30.0  # seconds


def work(cache: Cache, plan: Plan, program: Program, jobs: int, training: bool = True) -> None:
    """Writes suite.csv after every model: an interrupted suite can be reported, too. The first error stops new work.
    Without training, models that are not there are left out; the report names them."""
    missing = [m for m in plan.models if not cache.rejected(*m) and not cache.trained(*m, plan.clusters)]
    models = plan.models if training else [m for m in plan.models if m not in missing]
    progress = Progress(len(models), len(missing) if training else 0, jobs)
    fate = "to be trained" if training else "not trained yet, left out"
    progress.say(f"suite in {cache.path}: {len(plan.models)} models, {len(missing)} {fate}")
    _write_plan(cache, plan)
    table: dict[tuple[str, int], list[dict]] = {}
    lock, stop = threading.Lock(), threading.Event()
    context = get_context("spawn")  # torch and its threads do not survive a fork

    def one(variant: str, seed: int) -> None:
        if stop.is_set():
            return
        name = f"{variant}-{seed}"
        try:
            if (reason := _trained(variant, seed)) is not None:
                progress.done(f"{name}: REJECTED, left out: {reason}")
                return
            with progress.timing("score"):
                found = _scored(variant, seed)
        except BaseException:
            stop.set()
            raise
        with lock:
            table[variant, seed] = found
            write(cache.path / "suite.csv", [row for model in plan.models for row in table.get(model, [])])
        progress.done(f"{name}: {len(found)} rows")

    def _trained(variant: str, seed: int) -> str | None:
        reason = cache.rejected(variant, seed)
        if reason is None and not cache.trained(variant, seed, plan.clusters):
            log = cache.log(variant, seed)
            with progress.timing("train"), ProcessPoolExecutor(1, context) as pool:
                started = pool.submit(train, cache.model(variant, seed), log, variant, seed, plan.clusters)
                while not wait([started], HEARTBEAT).done:
                    progress.say(f"{variant}-{seed}: {last_line(log)}")
                try:
                    reason = started.result()
                except BrokenProcessPool:
                    raise MoeraeError(
                        f"training of {variant}-{seed} was ended from outside (out of memory?), log {log}; repeat the "
                        "command, with fewer --jobs"
                    ) from None
            if reason is not None:
                cache.reject(variant, seed, reason)
        return reason

    def _scored(variant: str, seed: int) -> list[dict]:
        model, run = cache.model(variant, seed), cache.run(variant, seed)
        record(program, model, run)
        attribute(program, plan, model, run)
        folders = {size: reduce(program, plan, run, size) for size in plan.sizes}
        return [
            row
            for size, folder in folders.items()
            for row in rows(run, folder, model / "truth.json", variant, seed, size)
        ]

    with ThreadPoolExecutor(jobs) as threads:
        try:
            for future in [threads.submit(one, *model) for model in models]:
                future.result()
        except BaseException:  # an interrupt reaches this thread only
            stop.set()
            raise
    rejected = [model for model in plan.models if cache.rejected(*model)]
    progress.say(f"wrote {cache.path / 'suite.csv'}: {len(table)} models, {len(rejected)} rejected")
    for variant, seed in rejected:
        progress.say(f"rejected: {variant}-{seed}: {cache.rejected(variant, seed)}")


def _write_plan(cache: Cache, plan: Plan) -> None:
    with publishing(cache.path / "suite.json") as temporary:
        temporary.write_text(json.dumps({"schema": "moerae.suite/1", **vars(plan)}, indent=2) + "\n")
