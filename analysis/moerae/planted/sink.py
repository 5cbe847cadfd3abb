"""The super expert (after the ICLR 2026 paper of that name): a massive output at the first token, the attention sink.

Masked, it leaves the first token an ordinary one: the sink is gone, and what attention mixes is no longer what later
layers were trained on.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from moerae.planted.model import PlantedModel, Routed
from moerae.planted.placement import Placement
from moerae.planted.world import BOS

MASSIVE = 60.0  # at least, the largest absolute output of the super expert; ordinary ones stay near 10
SHARE = 0.5  # of attention, at least, that goes to the first token


def sink(model: PlantedModel, place: Placement, routed: Routed) -> Tensor:
    """Loss: the output at the first token is massive, and every layer behind the super expert's attends to it."""
    layer, expert = place.at["super"]
    largest = first_output(model, layer)[expert].abs().max()
    short = torch.stack([F.relu(SHARE - share).mean() for share in routed.sinks[layer + 1 :]])
    return (MASSIVE / largest.clamp_min(1e-3)).log().clamp_min(0.0) + short.sum()


def first_output(model: PlantedModel, last: int) -> Tensor:
    """Outputs of all experts of a layer [K, hidden] at the first token, which sees only itself."""
    tokens = torch.tensor([[BOS]])
    seen: list[Tensor] = []
    hook = model.layers[last].mlp.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(tokens, torch.ones_like(tokens, dtype=torch.bool))
    hook.remove()
    return model.layers[last].mlp.outputs(seen[0])[0]
