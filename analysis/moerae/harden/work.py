"""The stages of an arm, in a run directory of its own; what is there is kept."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from moerae.errors import MoeraeError
from moerae.harden.arms import BASE, CHOSEN, Arm
from moerae.program import Program


@dataclass(frozen=True)
class Work:
    program: Program
    study: Path
    out: Path
    judge: tuple[str, ...]
    chosen: Arm

    def do(self, arm: Arm) -> None:
        run = self.out / arm.name
        keys: dict[str, object] = {"run.dir": run}
        if arm.set:
            self._stage("tune", run, keys | {"tune.set": arm.set, "tune.control": ""})
            keys["model.adapter"] = run / "tune/adapter.h5"
        self._stage("record", run, keys)
        masks = self._masks(arm, run)
        self._stage("evaluate", run, keys | {"evaluate.conditions": ",".join(masks), "evaluate.controls": 0})
        self._judge(run)

    def _masks(self, arm: Arm, run: Path) -> list[str]:
        """The experts that were chosen; of the tuned model also those that the same criterion chooses on it."""
        if arm.name not in (BASE, CHOSEN):
            return []
        masks = [f"mask:{self.chosen.set}"]
        (asked,) = self.program.values(self.study, ["tune.set"])
        name = asked.partition("@")[0]
        if arm.name == CHOSEN and not name.endswith(".json"):
            self._stage("reduce", run, {"run.dir": run})
            masks.append(f"mask:{run / 'reduce/sets' / name}.json@{len(self.chosen.experts)}")
        return masks

    def _stage(self, command: str, run: Path, keys: dict[str, object]) -> None:
        program = self.program
        if command == "reduce":  # on one rank
            program = Program(program.path, (), program.threads)
        program(command, keys, run / f"log/harden-{command}.log", self.study)

    def _judge(self, run: Path) -> None:
        words = [sys.executable, "-m", "moerae", "judge", str(run), "--judge", *self.judge]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise MoeraeError(f"{run}: judging ended with {ended.returncode}:\n{ended.stderr.strip()}")
