"""Margins of the router rules: a change of the logits smaller than the margin changes no decision."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from moerae.reference import routers
from moerae.reference.deepseek_v1 import DeepseekV1Router
from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2TopkRouter
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3TopkRouter
from transformers.models.gpt_oss.modeling_gpt_oss import GptOssTopKRouter
from transformers.models.phimoe.modeling_phimoe import PhimoeTopKRouter

K, TOKENS = 12, 4000
FIELDS = {
    "num_experts": K,
    "num_local_experts": K,
    "hidden_size": K,
    "num_experts_per_tok": 3,
    "routed_scaling_factor": 1.0,
    "n_group": 4,
    "topk_group": 2,
    "norm_topk_prob": True,
    "router_jitter_noise": 0.05,
    "input_jitter_noise": 0.0,
}


def router(kind: type[torch.nn.Module], **fields: object) -> torch.nn.Module:
    """A router whose logits are its input."""
    made = kind(SimpleNamespace(**(FIELDS | fields)))
    with torch.no_grad():
        made.weight.copy_(torch.eye(K))
        if kind is DeepseekV3TopkRouter:
            made.e_score_correction_bias.copy_(torch.linspace(-0.2, 0.2, K))
    return made.eval()


def v1() -> torch.nn.Module:
    made = DeepseekV1Router(K, K, 3)
    made.weight.data = torch.eye(K)
    return made


MADE = {
    "softmax": v1,
    "softmax of groups": lambda: router(DeepseekV2TopkRouter, topk_method="group_limited_greedy"),
    "sigmoid with bias and groups": lambda: router(DeepseekV3TopkRouter),
    "logits": lambda: router(GptOssTopKRouter),
    "sparse mixer": lambda: router(PhimoeTopKRouter),
}


@pytest.mark.parametrize("rule", MADE)
def test_no_decision_changes_within_its_margin(rule: str) -> None:
    module = MADE[rule]()
    generator = torch.Generator().manual_seed(7)
    logits = torch.randn(TOKENS, K, generator=generator)
    step = 5e-3
    moved = logits + step * (2 * torch.rand(logits.shape, generator=generator) - 1)
    with torch.no_grad():
        _, _, before = module(logits)
        _, _, after = module(moved)
        margin = routers.ROUTERS[type(module)](module, logits)
    changed = (before.sort(-1).values != after.sort(-1).values).any(-1)
    assert changed.sum() > 5, "steps this small must change something, or nothing is tested"
    assert margin[changed].max() <= 2 * step  # no score, nor sum of two, moves by more than the logits do
    assert (margin > 2 * step).float().mean() > 0.5, "a margin that excuses everything is none"


def test_sparse_mixer_margin_sees_the_edge_of_its_mask() -> None:
    """Weights jump where an expert enters the mask of near ties, although no id changes."""
    module = router(PhimoeTopKRouter)
    logits = torch.linspace(-3, -1, K).repeat(2, 1)
    logits[:, :3] = torch.tensor([[4.0, 3.0, 2.0], [4.0, 3.6 + 1e-6, 2.0]])  # (4 - 3.6) / 4 = 2 * 0.05
    margin = routers.ROUTERS[PhimoeTopKRouter](module, logits)
    assert margin[0] > 0.1 and margin[1] < 1e-5


def test_nothing_left_out_has_no_margin() -> None:
    module = router(GptOssTopKRouter, num_experts_per_tok=K)
    assert routers.ROUTERS[GptOssTopKRouter](module, torch.randn(5, K)).isinf().all()
