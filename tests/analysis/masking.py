"""Experts masked in the models of transformers: what masks of ours are compared with."""

from __future__ import annotations

from collections.abc import Callable

import torch
from moerae.reference import checkpoints, golden
from torch.nn import functional

CASES = {case.family: name for name, case in reversed(checkpoints.CASES.items())}  # the first of each family


def mask(model: torch.nn.Module, experts: list[tuple[int, int]]) -> None:
    """The selection score of these experts, after any correction bias, to where it is never selected."""
    for layer, router in golden.routers(model).items():
        chosen = [expert for at, expert in experts if at == layer]
        if not chosen:
            continue
        if hasattr(router, "e_score_correction_bias"):
            router.e_score_correction_bias[chosen] = -1e9
            continue
        router.forward = lowered(router.forward, chosen)


def lowered(forward: Callable, chosen: list[int]) -> Callable:
    """A router whose product gives the chosen experts a logit of -1e9."""
    linear = functional.linear

    def product(*args: torch.Tensor, **kwargs: torch.Tensor) -> torch.Tensor:
        logits = linear(*args, **kwargs)
        logits[..., chosen] = -1e9
        return logits

    def edited(*args: torch.Tensor, **kwargs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        functional.linear = product
        try:
            return forward(*args, **kwargs)
        finally:
            functional.linear = linear

    return edited
