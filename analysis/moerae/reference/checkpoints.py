"""Tiny random checkpoints that together cover what a config.json of a supported family can say.

Weights are drawn far larger than the usual 0.02, so that routing varies from token to token and every part of the layer
matters to it: with small weights the residual stream stays the embedding, and a wrong attention would go unseen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, OlmoeConfig, PreTrainedModel, Qwen3MoeConfig

from moerae.errors import ConfigError

VOCABULARY = 97
CONFIGS = {"qwen3_moe": Qwen3MoeConfig, "olmoe": OlmoeConfig}
COMMON = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 0,
}


@dataclass(frozen=True)
class Case:
    family: str
    config: dict[str, Any]
    shard: str | None = None  # max_shard_size of save_pretrained; None: one file
    seed: int = 0
    published_rope: float | None = None  # rope_theta at the top of config.json, as 4.x wrote it


def qwen3(shard: str | None = None, seed: int = 0, **config: Any) -> Case:  # noqa: ANN401
    sizes = {"intermediate_size": 80, "moe_intermediate_size": 24, "head_dim": 12, "num_key_value_heads": 2}
    return Case("qwen3_moe", sizes | {"num_experts": 8, "num_experts_per_tok": 2} | config, shard, seed)


def olmoe(shard: str | None = None, seed: int = 0, **config: Any) -> Case:  # noqa: ANN401
    sizes = {"intermediate_size": 24, "num_key_value_heads": 4}
    return Case("olmoe", sizes | {"num_experts": 8, "num_experts_per_tok": 2} | config, shard, seed)


# name -> case; 10 experts do not divide by 4 ranks, head_dim 10 is not hidden / heads (and not a multiple of a vector)
CASES = {
    "qwen3-grouped": qwen3(seed=1, norm_topk_prob=True, tie_word_embeddings=False),
    "qwen3-full-tied-sharded": qwen3("40KB", 2, num_key_value_heads=4, norm_topk_prob=False, tie_word_embeddings=True),
    "qwen3-sparse-step": qwen3(
        seed=3, num_hidden_layers=6, decoder_sparse_step=2, mlp_only_layers=[3], norm_topk_prob=True
    ),
    "qwen3-head-dim": qwen3(
        "60KB",
        44,
        head_dim=10,
        num_experts=10,
        num_experts_per_tok=4,
        norm_topk_prob=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        rms_norm_eps=1e-3,
    ),
    "qwen3-top-1": qwen3(seed=5, num_key_value_heads=1, num_experts_per_tok=1, norm_topk_prob=False),
    "qwen3-all-experts": qwen3(seed=6, num_experts=4, num_experts_per_tok=4, norm_topk_prob=False),
    "olmoe-full": replace(olmoe(seed=27, norm_topk_prob=False, tie_word_embeddings=False), published_rope=5e5),
    "olmoe-clip-grouped-sharded": olmoe("40KB", 8, num_key_value_heads=2, norm_topk_prob=True, clip_qkv=0.8),
    "olmoe-tied-top-1": olmoe(seed=9, num_experts_per_tok=1, tie_word_embeddings=True, norm_topk_prob=False),
    "olmoe-all-experts": olmoe(seed=10, num_experts=4, num_experts_per_tok=4, norm_topk_prob=True),
}


def draw(model: PreTrainedModel, seed: int) -> None:
    """Every parameter anew: matrices N(0, 2/fan_in), routers twice as wide, norms 1 + N(0, 0.2), embeddings N(0, 1)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if weight.dim() == 1:
                weight.copy_(1 + 0.2 * noise if "norm" in name else 0.2 * noise)
            elif "embed_tokens" in name:
                weight.copy_(noise)
            else:
                wider = 2.0 if name.endswith("mlp.gate.weight") else 1.0
                weight.copy_(noise * wider * (2.0 / weight.shape[-1]) ** 0.5)


def make(name: str, folder: Path, seed: int | None = None) -> Path:
    """Writes the checkpoint of a case with save_pretrained, as published ones are laid out; returns its folder.

    `seed` draws other weights than those of the case.
    """
    if name not in CASES:
        raise ConfigError(f"no tiny checkpoint is called '{name}'; choose one of: {', '.join(CASES)}")
    case = CASES[name]
    config = CONFIGS[case.family](**(COMMON | case.config))
    make_from(config, folder, case.seed if seed is None else seed, case.shard)
    if case.published_rope:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        del config["rope_parameters"]
        path.write_text(json.dumps(config | {"rope_theta": case.published_rope}, indent=2))
    return folder


def make_from(
    config: Qwen3MoeConfig | OlmoeConfig,
    folder: Path,
    seed: int,
    shard: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Path:
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    draw(model, seed)
    model.to(dtype).save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    return folder
