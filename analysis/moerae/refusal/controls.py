"""A drop beside what other experts like these do: the control distribution (methods 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Beside:
    """One condition against its R matched random sets."""

    n: int  # R
    mean: float  # drop of the controls; nan where there are none
    most: float
    p: float  # (1 + #{control drop >= drop}) / (R + 1); nan where there are none


def beside(drop: float, controls: Sequence[float]) -> Beside:
    """`controls`: drops of the matched sets. The smallest p that R of them can give is 1 / (R + 1)."""
    n = len(controls)
    if n == 0:
        return Beside(0, float("nan"), float("nan"), float("nan"))
    at_least = sum(control >= drop for control in controls)
    return Beside(n, sum(controls) / n, max(controls), (1 + at_least) / (n + 1))
