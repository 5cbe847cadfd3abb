"""Refusal as ever more experts of one set are changed: does it fall with their number, and how soon?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.stats import norm

from moerae.refusal.paired import totals


@dataclass(frozen=True)
class DoseResponse:
    fit: np.ndarray  # [D] shares refused, the nearest that never rise (least squares)
    half: float  # fewest experts with which the fit has fallen by half of its whole fall; nan where it falls nowhere
    p: float  # of no trend, two-sided
    moved: int  # clusters that can tell: whose answers follow the dose or run against it


def dose_response(refused: np.ndarray, dose: np.ndarray, clusters: np.ndarray) -> DoseResponse:
    """`refused` [P, D]: the same prompts with dose[d] experts changed, `dose` ascending (0: none)."""
    fit = np.asarray(isotonic_regression(refused.mean(0), increasing=False).x)
    fall = fit[0] - fit
    half = float(dose[np.argmax(fall >= fall[-1] / 2)]) if fall[-1] > 0 else math.nan
    return DoseResponse(fit, half, *trend(refused, dose, clusters))


def trend(refused: np.ndarray, dose: np.ndarray, clusters: np.ndarray) -> tuple[float, int]:
    """p and clusters that can tell. The statistic of Cochran and Armitage within each prompt (Mantel 1963: prompts are
    strata, for every one is answered at every dose), its variance from the sums of clusters. Two doses: McNemar."""
    score = totals(refused @ (dose - dose.mean()), clusters)
    spread = math.sqrt(float((score**2).sum()))
    moved = int((np.abs(score) > 1e-9 * dose.max()).sum())
    return (2 * float(norm.sf(abs(score.sum()) / spread)) if moved else 1.0), moved
