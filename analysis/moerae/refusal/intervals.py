"""Shares of refusals and their paired drops, with 95 % intervals: the same prompts, without and under a condition."""

from __future__ import annotations

import math

import numpy as np

Z = 1.959963984540054  # 95 %


def wilson(hits: float, n: float) -> tuple[float, float]:
    """Wilson's interval of one proportion; fractions where the number of independent ones is an estimate."""
    p, z2 = hits / n, Z * Z
    centre, width = p + z2 / (2 * n), Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return (centre - width) / (1 + z2 / n), (centre + width) / (1 + z2 / n)


def paired_drop(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Drop of a proportion and its interval: Newcombe 1998 (Stat. Med. 17:2635), method 10."""
    n = len(before)
    both, lost = int((before & after).sum()), int((before & ~after).sum())
    gained, neither = int((~before & after).sum()), int((~before & ~after).sum())
    p, q = (both + lost) / n, (both + gained) / n
    (p_low, p_high), (q_low, q_high) = wilson(both + lost, n), wilson(both + gained, n)
    product = (both + lost) * (gained + neither) * (both + gained) * (lost + neither)
    phi = 0.0
    if product:
        cross = both * neither - lost * gained
        # continuity correction only towards zero
        phi = (max(cross - n / 2, 0.0) if cross > 0 else cross) / math.sqrt(product)

    def half(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))

    drop = p - q
    return drop, drop - half(p - p_low, q_high - q), drop + half(p_high - p, q - q_low)


def mean_drop(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Mean paired difference and its normal interval; every prompt is its own cluster."""
    difference = before - after
    mean = float(difference.mean())
    half = Z * float(difference.std(ddof=1)) / math.sqrt(len(difference))
    return mean, mean - half, mean + half
