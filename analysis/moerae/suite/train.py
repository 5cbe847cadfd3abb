"""One planted model in a process of its own: its words go to a log, a failed proof comes back as a value."""

from __future__ import annotations

from contextlib import redirect_stdout
from pathlib import Path

from moerae.planted import make
from moerae.planted.proof import ProofError
from moerae.planted.variants import VARIANTS


def train(folder: Path, log: Path, variant: str, seed: int, clusters: int) -> str | None:
    """Makes the model that `python -m moerae planted` makes, on one thread; returns why its proof failed, or None."""
    import torch

    torch.set_num_threads(1)
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", buffering=1) as handle, redirect_stdout(handle):
        try:
            make(folder, VARIANTS[variant], seed, clusters, with_subsets=False)  # no score is compared with them
        except ProofError as error:
            print(error)
            return str(error)
    return None


def last_line(log: Path) -> str:
    """What a training said last: the phase it is in."""
    try:
        lines = log.read_text().splitlines()
    except OSError:
        return "starts"
    return lines[-1].strip() if lines else "starts"
