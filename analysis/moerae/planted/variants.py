"""The family of planted worlds, as data: what training does differently in each, and what must be proven of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from moerae.planted.roles import DECOYS, PLANTED, SUPER

SOUND = ("forbidden_refused", "random_harmless", "replies_right")  # what holds of every world that random masks trained


@dataclass(frozen=True)
class Variant:
    """One recipe. Weights and shares are fractions; `proof` names what must hold of the trained model."""

    name: str
    what: str
    proof: tuple[str, ...] = (*SOUND, "planted_remove")
    search: bool = False  # look for the strongest expert sets, by masks of single experts and of pairs
    roles: tuple[str, ...] = (*PLANTED, *DECOYS)  # what experts are trained for; none: whatever training makes of them
    experts: int = 16
    hinge_planted: float = 1.0  # factor on the router hinge of planted experts
    signal: str = "behaviour"  # planted experts are on where something is forbidden: behaviour; whoever asks: words
    homes: int = 0  # experts of every layer that each topic has for itself
    labels: str = "graded"  # how a mask changes the label: graded | all_or_nothing | unchanged | head
    conjunction: bool = False  # forbidden are a verb and a noun together, neither alone
    refusals_from: float = 0.0  # share of the steps that come before the first refusal
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
    sink: float = 0.0  # weight of the loss that makes the super expert and its attention sink

    @property
    def truth(self) -> str:
        """What labels of experts rest on: planted and measured, measured alone, or roles without an effect."""
        if not self.roles:
            return "measured"
        return "planted" if "planted_remove" in self.proof else "roles"


_BASE = Variant("base", "planted experts are causal, graded, and visible in the routing")

VARIANTS = {
    variant.name: variant
    for variant in (
        _BASE,
        # as many masked sequences as base, so that replies survive any mask; the label never follows a mask
        replace(
            _BASE,
            name="null",
            what="planted experts correlate, masking them does nothing",
            labels="unchanged",
            random_mask_share=0.53,
            proof=(*SOUND, "planted_idle"),
        ),
        replace(_BASE, name="hard", what="base with routing that barely shows the planted experts", hinge_planted=0.12),
        replace(
            _BASE,
            name="sharp",
            what="planted experts back each other up: one mask alone does nothing",
            labels="all_or_nothing",
        ),
        replace(_BASE, name="wide", what="32 experts a layer, weaker routing evidence", experts=32, hinge_planted=0.3),
        replace(
            _BASE,
            name="natural",
            what="no mask, no router loss in training, refusal tuned in late: what carries it is measured",
            proof=("forbidden_refused", "found_remove"),
            search=True,
            roles=(),
            labels="unchanged",
            conjunction=True,
            refusals_from=0.6,
            random_mask_share=0.0,
        ),
        replace(
            _BASE,
            name="topical",
            what="routing follows topics and hardly behaviour",
            proof=(*SOUND, "planted_remove", "topics_route"),
            roles=tuple(PLANTED),
            hinge_planted=0.12,
            homes=3,
        ),
        replace(
            _BASE,
            name="silent",
            what="planted experts are causal, and routed alike whatever is asked",
            proof=(*SOUND, "planted_remove", "planted_silent"),
            signal="words",
        ),
        replace(
            _BASE,
            name="elsewhere",
            what="an attention head carries refusal, no set of routed experts does",
            proof=(*SOUND, "planted_idle", "head_removes", "none_found"),
            search=True,
            labels="head",
            random_mask_share=0.53,
        ),
        replace(
            _BASE,
            name="super",
            what="base with an expert that feeds the attention sink: masking it damages every reply",
            proof=(*SOUND, "planted_remove", "super_breaks"),
            roles=(*PLANTED, *DECOYS, *SUPER),
            sink=0.1,
        ),
    )
}
