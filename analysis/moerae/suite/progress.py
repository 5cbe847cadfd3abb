"""Progress of a suite with the time that is left, from the mean of what was done."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta


class Progress:
    """`models` in all, of which `trainings` are still to be trained, `jobs` at once."""

    def __init__(self, models: int, trainings: int, jobs: int) -> None:
        self.models, self.jobs, self.finished = models, jobs, 0
        self._left = {"train": trainings, "score": models}
        self._seconds: dict[str, list[float]] = {"train": [], "score": []}
        self._lock, self._start = threading.Lock(), time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{timedelta(seconds=int(time.monotonic() - self._start))}] {text}", flush=True)

    @contextmanager
    def timing(self, kind: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        with self._lock:
            self._seconds[kind].append(time.monotonic() - start)
            self._left[kind] -= 1

    def done(self, text: str) -> None:
        with self._lock:
            self.finished += 1
            if self._left["score"] > self.models - self.finished:  # a rejected model is not scored
                self._left["score"] = self.models - self.finished
        self.say(f"{self.finished}/{self.models} {text}{self._eta()}")

    def _eta(self) -> str:
        """Nothing where a kind of work that is left was not done yet: there is no figure for it."""
        total = 0.0
        for kind, left in self._left.items():
            seconds = self._seconds[kind]
            if left and not seconds:
                return ""
            total += left * sum(seconds) / len(seconds) if left else 0.0
        return f"; {timedelta(seconds=int(total / self.jobs))} left" if total else ""
