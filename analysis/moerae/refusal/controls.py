"""A drop beside what other experts like these do: the control distribution (methods 9)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t


@dataclass(frozen=True)
class Beside:
    """One condition against its R matched random sets; nan where there are none."""

    n: int  # R
    mean: float = math.nan  # drop of the controls
    most: float = math.nan
    p: float = math.nan  # (1 + #{control drop >= drop}) / (R + 1)
    excess: float = math.nan  # drop less the mean of the controls
    low: float = math.nan  # its 95 % interval, of two controls or more
    high: float = math.nan


def beside(drop: float, low: float, high: float, controls: Sequence[float]) -> Beside:
    """A drop with its 95 % interval, and the drops of the matched sets. The smallest p that R of them can give is
    1 / (R + 1).

    Interval of the excess: Zou and Donner 2008 (Stat. Med. 27:1693), from those of the drop and of the mean over sets
    (Student). The two are taken as independent; being of the same prompts they vary together, so it is too wide.
    """
    n = len(controls)
    if n == 0:
        return Beside(0)
    of = np.asarray(controls, float)
    mean = float(of.mean())
    found = n, mean, float(of.max()), (1 + int((of >= drop).sum())) / (n + 1), drop - mean
    if n == 1:
        return Beside(*found)
    half = float(t.ppf(0.975, n - 1) * of.std(ddof=1)) / math.sqrt(n)
    return Beside(*found, drop - mean - math.hypot(drop - low, half), drop - mean + math.hypot(high - drop, half))
