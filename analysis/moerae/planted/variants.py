"""The family of planted worlds, as data: what training does differently in each."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Variant:
    """One recipe. Weights and shares are fractions; `causal` says what the proof must find."""

    name: str
    what: str
    experts: int = 16
    hinge_planted: float = 1.0  # factor on the router hinge of planted experts
    labels: str = "graded"  # how a mask changes the label: graded | all_or_nothing | unchanged
    causal: bool = True  # does masking the planted experts remove refusals?
    random_mask_share: float = 0.15  # .15 makes unusually clean models, .03 is more like real ones
    layers: int = 4
    hidden: int = 64
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 16
    intermediate: int = 32
    top_k: int = 4
    steps: int = 900
    batch: int = 96
    learning_rate: float = 3e-3
    hinge: float = 0.05
    hinge_margin: float = 0.7
    balance: float = 0.02


_BASE = Variant("base", "planted experts are causal, graded, and visible in the routing")

VARIANTS = {
    variant.name: variant
    for variant in (
        _BASE,
        # random masks stay, so that replies survive any mask; the label never follows a mask
        replace(
            _BASE,
            name="null",
            what="planted experts correlate, masking them does nothing",
            labels="unchanged",
            causal=False,
        ),
        replace(_BASE, name="hard", what="base with routing that barely shows the planted experts", hinge_planted=0.12),
        replace(
            _BASE,
            name="sharp",
            what="planted experts back each other up: one mask alone does nothing",
            labels="all_or_nothing",
        ),
        replace(_BASE, name="wide", what="32 experts a layer, weaker routing evidence", experts=32, hinge_planted=0.3),
    )
}
