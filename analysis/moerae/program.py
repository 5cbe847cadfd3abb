"""The program `moerae`, run as a user would: a stage, its keys, its log."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from moerae.errors import ConfigError, MoeraeError

ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}


@dataclass(frozen=True)
class Program:
    path: Path
    launch: tuple[str, ...] = ()  # words before it: mpirun -n 4, srun ...
    threads: int | None = 1  # of a rank; none: the program shares out what the machine has

    @classmethod
    def find(cls, given: Path | None, launch: tuple[str, ...] = (), threads: int | None = 1) -> Program:
        built = Path(__file__).resolve().parents[2] / "build/release/moerae"
        on_path = shutil.which("moerae")
        asked = given or (Path(os.environ["MOERAE"]) if "MOERAE" in os.environ else None)
        path = asked or (built if built.is_file() else Path(on_path or built))
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise ConfigError(f"{path}: no such program, and it records and reduces; build it, or name it by --moerae")
        return cls(path.resolve(), launch, threads)

    def __call__(self, command: str, study: dict[str, object], log: Path, file: Path | None = None) -> str:
        """Runs a stage with these keys, over those of a study `file`, its log into `log`; what it wrote to standard
        output."""
        words = [word for key, value in study.items() for word in (f"--{key}", str(value))]
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "w") as handle:
            ended = self._run([command, *([str(file)] if file else []), *words], stderr=handle, launch=self.launch)
        if ended.returncode:
            raise MoeraeError(
                f"{self.path.name} {command} ended with {ended.returncode} (log: {log}):\n{log.read_text()[-2000:]}"
            )
        return ended.stdout

    def criteria(self, kind: str = "criteria") -> list[str]:
        """Names of the contrasts that it knows, as `moerae info` lists them; `causal`: those of `attribute`."""
        for line in self._run(["info"], stderr=subprocess.DEVNULL).stdout.splitlines():
            name, *words = line.split()
            if name == kind:
                return words
        raise MoeraeError(f"{self.path}: `info` lists no {kind}; build the program of this version")

    def values(self, study: Path, keys: list[str]) -> list[str]:
        """Of keys of a study, paths as the program resolves them."""
        ended = self._run(["show", str(study), *keys], stderr=subprocess.PIPE)
        if ended.returncode:
            raise ConfigError(ended.stderr.strip().removeprefix("moerae: error: "))
        return ended.stdout.split("\n")[: len(keys)]

    def _run(
        self, words: list[str], stderr: IO[str] | int, launch: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        threads = {} if self.threads is None else {"OMP_NUM_THREADS": str(self.threads)}
        return subprocess.run(
            [*launch, str(self.path), *words],
            env=os.environ | ENVIRONMENT | threads,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )
