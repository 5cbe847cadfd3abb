"""Qwen3-MoE in its smallest form: the same numbers as transformers, fast on one core, masks per sequence."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from moerae.planted.variants import Variant
from moerae.planted.world import VOCABULARY

EPS = 1e-6
ROPE_THETA = 10000.0
INITIALIZER_RANGE = 0.08
MASKED = 1e9  # taken from a masked expert's selection score: it can not be in the top k


@dataclass
class Routed:
    """What the routers said at the valid positions, in row order; one entry a layer."""

    logits: list[Tensor]  # [tokens, K] before masks
    weights: list[Tensor]  # [tokens, K] as applied, 0 where not selected
    sinks: list[Tensor]  # [tokens, heads] share of attention that the first token takes; while a sink is trained


class RMSNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS))


def rotary(length: int, head_dim: int) -> tuple[Tensor, Tensor]:
    """cos, sin [length, head_dim], halves repeated as in Llama."""
    frequency = 1.0 / ROPE_THETA ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
    angle = torch.arange(length, dtype=torch.float32)[:, None] * frequency
    angle = torch.cat([angle, angle], -1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat([-right, left], -1) * sin


def first_share(q: Tensor, k: Tensor) -> Tensor:
    """Causal attention to the first token: q, k [rows, heads, length, head_dim] -> [rows, length, heads]."""
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return scores.masked_fill(later, -torch.inf).softmax(-1)[..., 0].transpose(1, 2)


class Attention(nn.Module):
    def __init__(self, v: Variant) -> None:
        super().__init__()
        self.v = v
        self.q_proj = nn.Linear(v.hidden, v.heads * v.head_dim, bias=False)
        self.k_proj = nn.Linear(v.hidden, v.kv_heads * v.head_dim, bias=False)
        self.v_proj = nn.Linear(v.hidden, v.kv_heads * v.head_dim, bias=False)
        self.o_proj = nn.Linear(v.heads * v.head_dim, v.hidden, bias=False)
        self.q_norm = RMSNorm(v.head_dim)
        self.k_norm = RMSNorm(v.head_dim)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, off: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """x [rows, length, hidden]; off [rows, heads] of 0 and 1: heads that say nothing. Output, share of the sink."""
        rows, length, _ = x.shape
        shape = (rows, length, -1, self.v.head_dim)
        q = rotate(self.q_norm(self.q_proj(x).view(shape)).transpose(1, 2), cos, sin)
        k = rotate(self.k_norm(self.k_proj(x).view(shape)).transpose(1, 2), cos, sin)
        value = self.v_proj(x).view(shape).transpose(1, 2)
        group = self.v.heads // self.v.kv_heads
        k, value = k.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
        sink = first_share(q, k) if self.v.sink and self.training else None
        mixed = F.scaled_dot_product_attention(q, k, value, is_causal=True)
        if off is not None:
            mixed = mixed * (1.0 - off)[:, :, None, None]
        return self.o_proj(mixed.transpose(1, 2).reshape(rows, length, -1)), sink


class Experts(nn.Module):
    """All experts as two dense products: at 32 columns an expert this beats gathering their tokens."""

    def __init__(self, v: Variant) -> None:
        super().__init__()
        self.v = v
        self.gate = nn.Linear(v.hidden, v.experts, bias=False)
        self.gate_up = nn.Parameter(torch.empty(2 * v.experts * v.intermediate, v.hidden))
        self.down = nn.Parameter(torch.empty(v.experts * v.intermediate, v.hidden))  # transposed for the product

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """x [tokens, hidden], mask [tokens, K] of 0 and 1 -> output, logits before the mask, weights [tokens, K]."""
        logits = self.gate(x)
        score = logits if mask is None else logits - MASKED * mask
        value, chosen = score.softmax(-1).topk(self.v.top_k, -1)
        weights = torch.zeros_like(score).scatter(-1, chosen, value / value.sum(-1, keepdim=True))
        gate, up = F.linear(x, self.gate_up).chunk(2, -1)
        active = (F.silu(gate) * up).view(-1, self.v.experts, self.v.intermediate) * weights[..., None]
        return active.flatten(1) @ self.down, logits, weights

    def outputs(self, x: Tensor) -> Tensor:
        """Of every expert on x [tokens, hidden], before gate weights: [tokens, K, hidden]."""
        gate, up = F.linear(x, self.gate_up).chunk(2, -1)
        active = (F.silu(gate) * up).view(-1, self.v.experts, self.v.intermediate)
        return torch.einsum("tki,kih->tkh", active, self.down.view(self.v.experts, self.v.intermediate, -1))


class Layer(nn.Module):
    def __init__(self, v: Variant) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(v.hidden)
        self.self_attn = Attention(v)
        self.post_attention_layernorm = RMSNorm(v.hidden)
        self.mlp = Experts(v)


class PlantedModel(nn.Module):
    def __init__(self, v: Variant, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.v = v
        self.embed_tokens = nn.Embedding(VOCABULARY, v.hidden)
        self.layers = nn.ModuleList(Layer(v) for _ in range(v.layers))
        self.norm = RMSNorm(v.hidden)
        self.lm_head = nn.Linear(v.hidden, VOCABULARY, bias=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=INITIALIZER_RANGE, generator=generator)

    def forward(
        self,
        tokens: Tensor,
        valid: Tensor,
        mask: Tensor | None = None,
        at: Tensor | None = None,
        heads: Tensor | None = None,
    ) -> tuple[Tensor, Routed]:
        """tokens [rows, length] padded at the right, valid bool alike; floats of 0 and 1: mask [rows, L, K] of experts,
        heads [rows, L, H] of attention heads.

        Returns the vocabulary's logits at the positions `at` (bool [rows, length]; default all valid ones), in
        row order, and what the routers said. Padding needs no attention mask: causal attention never sees it.
        """
        x = self.embed_tokens(tokens)
        cos, sin = rotary(tokens.shape[1], self.v.head_dim)
        row = valid.nonzero()[:, 0]
        routed = Routed([], [], [])
        for i, layer in enumerate(self.layers):
            off = None if heads is None else heads[:, i]
            attended, sink = layer.self_attn(layer.input_layernorm(x), cos, sin, off)
            x = x + attended
            masked = None if mask is None else mask[:, i][row]
            output, logits, weights = layer.mlp(layer.post_attention_layernorm(x[valid]), masked)
            x = x.masked_scatter(valid[..., None], x[valid] + output)
            routed.logits.append(logits)
            routed.weights.append(weights)
            if sink is not None:
                routed.sinks.append(sink[valid])
        return self.lm_head(self.norm(x[valid if at is None else at])), routed
