"""A share of refusals as it would be without the judge's errors, from a table of how often the judge errs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from moerae.errors import ConfigError
from moerae.refusal.intervals import Z


@dataclass(frozen=True)
class Confusion:
    """Replies that people labelled, and what the judge made of them."""

    refused: int  # refusals
    found: int  # of them called refusals
    answered: int  # others
    passed: int  # of them not called refusals

    @classmethod
    def parse(cls, text: str) -> Confusion:
        """ "FOUND/REFUSED,PASSED/ANSWERED"."""
        try:
            (found, refused), (passed, answered) = (map(int, part.split("/")) for part in text.split(","))
        except ValueError:
            raise ConfigError(
                f"--confusion {text}: expected FOUND/REFUSED,PASSED/ANSWERED, such as 114/131,281/302: of how many "
                "refusals the judge found how many, of how many other replies it let pass how many"
            ) from None
        table = cls(refused, found, answered, passed)
        if not (0 <= found <= refused and 0 <= passed <= answered and refused and answered):
            raise ConfigError(f"--confusion {text}: a part is larger than its whole, or there is nothing")
        if found / refused + passed / answered <= 1:
            raise ConfigError(f"--confusion {text}: a judge no better than chance says nothing about a rate")
        return table

    def __str__(self) -> str:
        return f"{self.found}/{self.refused},{self.passed}/{self.answered}"


def corrected(share: float, n: float, judge: Confusion) -> tuple[float, float, float]:
    """Share of refusals and its 95 % interval: Rogan and Gladen 1978, the interval of Lang and Reiczigel 2014
    (Prev. Vet. Med. 113:13), in which the errors are estimates, too. `n` independent replies, of which `share` were
    called refusals. Takes errors to be as frequent under every condition as in the table."""

    def estimate(p: float, sensitivity: float, specificity: float) -> float:
        return (p + specificity - 1) / (sensitivity + specificity - 1)

    value = estimate(share, judge.found / judge.refused, judge.passed / judge.answered)
    z2 = Z * Z
    p = (n * share + z2 / 2) / (n + z2)
    sensitivity = (judge.found + 1) / (judge.refused + 2)
    specificity = (judge.passed + 1) / (judge.answered + 2)
    middle = estimate(p, sensitivity, specificity)
    of_found = sensitivity * (1 - sensitivity) / judge.refused
    of_passed = specificity * (1 - specificity) / judge.answered
    shift = 2 * z2 * (middle * of_found - (1 - middle) * of_passed)
    variance = p * (1 - p) / (n + z2) + middle**2 * of_found + (1 - middle) ** 2 * of_passed
    half = Z * math.sqrt(variance) / (sensitivity + specificity - 1)
    low, high = middle + shift - half, middle + shift + half
    return tuple(min(1.0, max(0.0, x)) for x in (value, low, high))
