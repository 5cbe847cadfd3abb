"""Stand-ins for sbatch, srun, scontrol, squeue and the program that write down their words."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

NOTE = """#!/usr/bin/env python3
import json, os, sys
name = os.path.basename(sys.argv[0])
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([name, *sys.argv[1:]]) + "\\n")
with open(os.environ["CALLS"]) as calls:
    count = sum(json.loads(line)[0] == name for line in calls)
if name == "sbatch":
    print(f"{100 + count};cluster")
if name == "squeue":
    print(os.environ.get("QUEUE", ""))
if sys.argv[1:3] == ["show", "config"] and name == "scontrol":
    print("MaxArraySize            = " + os.environ.get("MAX_ARRAY", "1001"))
if sys.argv[1:2] == ["show"] and name == "moerae":  # of the program: the value of run.dir, which it alone resolves
    print(os.environ.get("RUN_DIR", "/runs/a b"))
    name = "show"
sys.exit(int(os.environ.get(f"EXIT_{name}", "0")))
"""


class Cluster:
    """Stand-ins on the PATH; `calls` lists what they were given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        self.log.touch()
        (folder / "bin").mkdir()
        for name in ("sbatch", "srun", "scontrol", "squeue", "moerae"):
            (folder / "bin" / name).write_text(NOTE)
            (folder / "bin" / name).chmod(0o755)
        (folder / "study.ini").write_text("[run]\ndir = out/run\n")

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "MOERAE"))}
        settings = {"PATH": path, "CALLS": str(self.log), "MOERAE": str(self.folder / "bin/moerae")}
        return subprocess.run(
            ["bash", *words], cwd=self.folder, env=clean | settings | env, capture_output=True, text=True, timeout=60
        )

    def submit(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(ROOT / "slurm/submit.sh"), *words, **env)

    def calls(self, name: str) -> list[list[str]]:
        rows = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [row[1:] for row in rows if row[0] == name]
