"""The folder that keeps a suite: models that are finished, seeds that were rejected, runs."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moerae.errors import ConfigError, DataError
from moerae.files.corpus import read_corpus
from moerae.files.publish import publishing


@dataclass(frozen=True)
class Cache:
    path: Path

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Cache]:
        """Outside any git work tree: models are made, not committed. One command at a time."""
        path = path.expanduser().resolve()
        if inside := next((parent for parent in (path, *path.parents) if (parent / ".git").exists()), None):
            raise ConfigError(
                f"--cache {path}: lies in the git work tree {inside}, and made models do not belong there; "
                "give a folder outside it"
            )
        if path.exists() and not path.is_dir():
            raise ConfigError(f"--cache {path}: is not a folder; give a folder, new or old")
        path.mkdir(parents=True, exist_ok=True)
        with open(path / ".lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConfigError(
                    f"--cache {path}: another suite command works in it; wait for it, or use another folder"
                ) from None
            yield cls(path)

    def model(self, variant: str, seed: int) -> Path:
        return self.path / f"{variant}-{seed}"

    def run(self, variant: str, seed: int) -> Path:
        return self.path / "runs" / f"{variant}-{seed}"

    def log(self, variant: str, seed: int) -> Path:
        return self.path / "log" / f"{variant}-{seed}.log"

    def trained(self, variant: str, seed: int, clusters: int) -> bool:
        """truth.json is written last. A corpus that is too small is an error: its runs would be of other prompts."""
        folder = self.model(variant, seed)
        if not (folder / "truth.json").exists():
            return False
        try:
            found = int(read_corpus(folder / "corpus.h5")["cluster"].max()) + 1
        except DataError as error:
            raise DataError(f"{error}; remove {folder} to make it anew") from None
        if found < clusters:
            raise ConfigError(
                f"{folder}: its corpus has {found} clusters, {clusters} are asked for; remove the folder and its run "
                f"{self.run(variant, seed)} to make it anew, or give --clusters {found}"
            )
        return True

    def rejected(self, variant: str, seed: int) -> str | None:
        """Why the proof of this model failed; None where it did not."""
        path = self._rejection(variant, seed)
        return read_rejection(path)["reason"] if path.exists() else None

    def reject(self, variant: str, seed: int, reason: str) -> None:
        with publishing(self._rejection(variant, seed)) as temporary:
            temporary.write_text(json.dumps({"variant": variant, "seed": seed, "reason": reason}, indent=2) + "\n")

    def _rejection(self, variant: str, seed: int) -> Path:
        return self.path / f"{variant}-{seed}.rejected.json"


def read_rejection(path: Path) -> dict:
    """variant, seed, reason."""
    try:
        found = json.loads(path.read_text())
        return {"variant": str(found["variant"]), "seed": int(found["seed"]), "reason": str(found["reason"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not the note of a rejected seed ({error}); remove it, and the model is made and judged again"
        ) from None
