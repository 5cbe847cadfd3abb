"""The router modules of transformers 5.23.0 and how far each of their decisions is from another one.

All of them return (raw logits [T, K], weights applied [T, k], ids [T, k]). The margin of a decision is the least
distance between a score that won and one that lost, in the scores the selection really compares: below the rounding of
float32 the decision is a matter of the order of summation.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2TopkRouter
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3TopkRouter
from transformers.models.dots1.modeling_dots1 import Dots1TopkRouter
from transformers.models.glm4_moe.modeling_glm4_moe import Glm4MoeTopkRouter
from transformers.models.glm4_moe_lite.modeling_glm4_moe_lite import Glm4MoeLiteTopkRouter
from transformers.models.gpt_oss.modeling_gpt_oss import GptOssTopKRouter
from transformers.models.granitemoe.modeling_granitemoe import GraniteMoeTopKRouter
from transformers.models.minimax_m2.modeling_minimax_m2 import MiniMaxM2SparseMoeBlock, MiniMaxM2TopKRouter
from transformers.models.mixtral.modeling_mixtral import MixtralTopKRouter
from transformers.models.olmoe.modeling_olmoe import OlmoeTopKRouter
from transformers.models.phimoe.modeling_phimoe import PhimoeTopKRouter
from transformers.models.qwen2_moe.modeling_qwen2_moe import Qwen2MoeTopKRouter
from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeTopKRouter

from moerae.reference.deepseek_v1 import DeepseekV1Router

Margin = Callable[[nn.Module, torch.Tensor], torch.Tensor]  # logits [T, K] -> [T]


def gap(scores: torch.Tensor, k: int) -> torch.Tensor:
    """[T, n] -> [T]: the k-th largest minus the next; inf where nothing is left out."""
    if k >= scores.shape[-1]:
        return torch.full(scores.shape[:-1], torch.inf)
    order = scores.sort(dim=-1, descending=True).values
    return order[..., k - 1] - order[..., k]


def softmax_margin(router: nn.Module, logits: torch.Tensor) -> torch.Tensor:
    return gap(logits.softmax(dim=-1, dtype=torch.float32), router.top_k)


def logits_margin(router: nn.Module, logits: torch.Tensor) -> torch.Tensor:
    return gap(logits.float(), router.top_k)


def grouped(scores: torch.Tensor, groups: int, kept: int, k: int, best: int) -> torch.Tensor:
    """Smaller of two gaps: between groups, by the sum of their `best` largest scores, and within those kept."""
    inside = scores.unflatten(-1, (groups, -1))  # [T, groups, K / groups]
    group_scores = inside.topk(best, dim=-1).values.sum(-1)
    chosen = torch.zeros_like(group_scores).scatter(-1, group_scores.topk(kept, dim=-1).indices, 1).bool()
    allowed = inside.masked_fill(~chosen[..., None], -torch.inf).flatten(-2)
    return torch.minimum(gap(group_scores, kept), gap(allowed, k))


def deepseek_v2_margin(router: DeepseekV2TopkRouter, logits: torch.Tensor) -> torch.Tensor:
    if router.topk_method == "greedy":
        return softmax_margin(router, logits)
    return grouped(logits.softmax(-1, torch.float32), router.num_group, router.topk_group, router.top_k, best=1)


def sigmoid_margin(router: DeepseekV3TopkRouter | Glm4MoeTopkRouter, logits: torch.Tensor) -> torch.Tensor:
    """Selection is by sigmoid plus correction bias; the weights, without the bias, do not enter."""
    scores = logits.sigmoid() + router.e_score_correction_bias
    return grouped(scores, router.num_group, router.topk_group, router.top_k, best=2)


def minimax_margin(router: MiniMaxM2TopKRouter, logits: torch.Tensor) -> torch.Tensor:
    return gap(logits.float().sigmoid() + router.e_score_correction_bias, router.top_k)


def tell_routers(model: nn.Module) -> None:
    """MiniMax-M2 keeps its correction bias beside the router, where margins and masks look for it: the same memory."""
    for module in model.modules():
        if isinstance(module, MiniMaxM2SparseMoeBlock):
            module.gate.e_score_correction_bias = module.e_score_correction_bias.detach()


def sparse_mixer_margin(router: PhimoeTopKRouter, logits: torch.Tensor) -> torch.Tensor:
    """Two picks, each with its own gap and its own mask of near ties: an expert at the edge moves the weights."""
    out = torch.full(logits.shape[:-1], torch.inf)
    left = logits
    for _ in range(2):
        best, pick = left.max(dim=-1, keepdim=True)
        distance = (best - logits) / logits.abs().clamp(min=best)
        others = torch.isfinite(left).scatter(-1, pick, False)  # what this pick could still be confused with
        edge = (distance - 2 * router.router_jitter_noise).abs().masked_fill(~others, torch.inf)
        near = left.scatter(-1, pick, -torch.inf).amax(-1)
        out = torch.minimum(out, torch.minimum((best.squeeze(-1) - near), edge.amin(-1)))
        left = left.scatter(-1, pick, -torch.inf)
    return out


ROUTERS: dict[type[nn.Module], Margin] = {
    DeepseekV1Router: softmax_margin,
    DeepseekV2TopkRouter: deepseek_v2_margin,
    DeepseekV3TopkRouter: sigmoid_margin,
    Dots1TopkRouter: sigmoid_margin,
    Glm4MoeLiteTopkRouter: sigmoid_margin,
    Glm4MoeTopkRouter: sigmoid_margin,
    GptOssTopKRouter: logits_margin,
    GraniteMoeTopKRouter: logits_margin,
    MiniMaxM2TopKRouter: minimax_margin,
    MixtralTopKRouter: softmax_margin,
    OlmoeTopKRouter: softmax_margin,
    PhimoeTopKRouter: sparse_mixer_margin,
    Qwen2MoeTopKRouter: softmax_margin,
    Qwen3MoeTopKRouter: softmax_margin,
}
