"""DeepSeekMoE 16B (`model_type` deepseek), which transformers does not have: a Llama whose feed-forward is a mixture.

Made of published parts: Llama's attention, norms and rotary embedding from transformers; the mixture after DeepSeekMoE
(arXiv 2401.06066, equations 3 to 5) with the gate of the published checkpoints: softmax over all experts, the k
largest, neither renormalised nor scaled; shared experts as one MLP of n_shared_experts times the width, always on.
"""

from __future__ import annotations

import json
from copy import copy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaMLP

from moerae.errors import DataError

FIELDS = (
    "n_routed_experts",
    "n_shared_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "first_k_dense_replace",
    "moe_layer_freq",
)


class DeepseekV1Router(nn.Module):
    def __init__(self, hidden: int, experts: int, top_k: int) -> None:
        super().__init__()
        self.top_k = top_k
        self.weight = nn.Parameter(torch.empty(experts, hidden))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """[T, H] -> raw logits [T, K], applied weights [T, k], ids [T, k]."""
        logits = nn.functional.linear(x, self.weight)
        weights, experts = logits.softmax(-1, dtype=torch.float32).topk(self.top_k, dim=-1)
        return logits, weights.to(logits.dtype), experts


class DeepseekV1Moe(nn.Module):
    """Parameter names are those of the checkpoints: gate, experts.N, shared_experts."""

    def __init__(self, config: LlamaConfig, moe: dict[str, Any]) -> None:
        super().__init__()
        width, shared = moe["moe_intermediate_size"], moe["n_shared_experts"]
        self.gate = DeepseekV1Router(config.hidden_size, moe["n_routed_experts"], moe["num_experts_per_tok"])
        self.experts = nn.ModuleList(mlp(config, width) for _ in range(moe["n_routed_experts"]))
        if shared:
            self.shared_experts = mlp(config, width * shared)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(0, -2)  # [T, H]
        _, weights, chosen = self.gate(flat)
        out = self.shared_experts(flat) if hasattr(self, "shared_experts") else torch.zeros_like(flat)
        for i, expert in enumerate(self.experts):
            token, pick = (chosen == i).nonzero(as_tuple=True)
            out = out.index_add(0, token, expert(flat[token]) * weights[token, pick, None])
        return out.view_as(x)


def mlp(config: LlamaConfig, width: int) -> LlamaMLP:
    """SwiGLU of the given width."""
    config = copy(config)
    config.intermediate_size = width
    return LlamaMLP(config)


def build(fields: dict[str, Any]) -> LlamaForCausalLM:
    """The model of a config.json; weights are not initialised."""
    if fields.get("norm_topk_prob") or fields.get("routed_scaling_factor", 1.0) != 1.0:
        raise DataError("deepseek: the reference has neither norm_topk_prob nor routed_scaling_factor")
    moe = {name: fields.get(name) for name in FIELDS}
    known = LlamaConfig().to_dict().keys() | {"rope_theta", "rope_scaling"}
    config = LlamaConfig(**{name: value for name, value in fields.items() if name in known and name != "model_type"})
    model = LlamaForCausalLM(config)
    for i, layer in enumerate(model.model.layers):
        if i >= (moe["first_k_dense_replace"] or 0) and i % (moe["moe_layer_freq"] or 1) == 0:
            layer.mlp = DeepseekV1Moe(config, moe)
    return model


def load(folder: Path, dtype: torch.dtype) -> LlamaForCausalLM:
    """Every tensor must have its place. Errors: RuntimeError names the tensor that has none."""
    fields = json.loads((folder / "config.json").read_text())
    tensors = {name: value for path in folder.glob("*.safetensors") for name, value in load_file(path).items()}
    if fields.get("tie_word_embeddings"):
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
    model = build(fields).to(dtype)
    model.load_state_dict(tensors, strict=True)
    return model.eval()
