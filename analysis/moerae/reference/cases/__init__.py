"""Tiny configurations that together cover what a config.json of a supported family can say.

Values are unusual on purpose: odd numbers of heads, head sizes that are no multiple of a vector, one kv head, experts
that do not divide by four ranks, windows and original rope lengths well below the longest row of the corpora (96). What
a name says is what is unusual about the case.
"""

from __future__ import annotations

from moerae.reference.cases import chosen, deepseek, mixtral, qwen, sigmoid
from moerae.reference.cases.case import VOCABULARY, Case

__all__ = ["CASES", "VOCABULARY", "Case"]

CASES: dict[str, Case] = qwen.CASES | mixtral.CASES | deepseek.CASES | sigmoid.CASES | chosen.CASES
