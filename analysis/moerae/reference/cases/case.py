"""What a case is, and the sizes that the cases of a family share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VOCABULARY = 97
ORIGINAL = 32  # rope length "trained on": rows of 1 to 96 tokens lie on both sides of it
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
    """One checkpoint: fields of its config and how its files are written."""

    family: str
    config: dict[str, Any]
    shard: str | None = None  # max_shard_size of save_pretrained; None: one file
    seed: int = 0
    dtype: str = "float32"  # of the files
    published: bool = False  # config.json as 4.x and the authors wrote it: rope_theta, rope_scaling, torch_dtype
    storage: str | None = None  # mxfp4: experts in 4-bit blocks; fp8: linear weights in F8_E4M3 with block scales
    fields: tuple[tuple[str, Any], ...] = ()  # more of config.json, as published ones have it
    prediction: bool = False  # the multi-token prediction layer behind the last one, unused, lies in the files


# sizes shared by the cases of a family
FAMILIES: dict[str, dict[str, Any]] = {
    "qwen3_moe": {
        "intermediate_size": 80,
        "moe_intermediate_size": 24,
        "head_dim": 12,
        "num_key_value_heads": 2,
        "num_experts": 8,
        "num_experts_per_tok": 2,
    },
    "olmoe": {"intermediate_size": 24, "num_key_value_heads": 4, "num_experts": 8, "num_experts_per_tok": 2},
    "qwen2_moe": {
        "intermediate_size": 80,
        "moe_intermediate_size": 20,
        "shared_expert_intermediate_size": 36,
        "num_attention_heads": 3,
        "num_key_value_heads": 1,
        "num_experts": 6,
        "num_experts_per_tok": 2,
    },
    "mixtral": {
        "intermediate_size": 28,
        "num_key_value_heads": 2,
        "num_local_experts": 6,
        "num_experts_per_tok": 2,
    },
    "phimoe": {"intermediate_size": 28, "num_key_value_heads": 2, "num_local_experts": 6, "num_experts_per_tok": 2},
    "deepseek": {
        "intermediate_size": 72,
        "moe_intermediate_size": 20,
        "n_routed_experts": 7,
        "n_shared_experts": 2,
        "num_experts_per_tok": 3,
        "num_attention_heads": 3,
        "num_key_value_heads": 3,
        "first_k_dense_replace": 1,
    },
    "deepseek_v2": {
        "intermediate_size": 72,
        "moe_intermediate_size": 20,
        "n_routed_experts": 8,
        "n_shared_experts": 2,
        "num_experts_per_tok": 3,
        "num_attention_heads": 3,
        "num_key_value_heads": 3,
        "first_k_dense_replace": 1,
        "q_lora_rank": None,
        "kv_lora_rank": 20,
        "qk_nope_head_dim": 10,  # even: transformers rotates by complex numbers, in place
        "qk_rope_head_dim": 6,
        "v_head_dim": 9,
    },
    "gpt_oss": {
        "hidden_size": 64,
        "intermediate_size": 32,
        "head_dim": 10,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "num_local_experts": 6,
        "num_experts_per_tok": 3,
        "sliding_window": 9,
    },
    "deepseek_v3": {
        "intermediate_size": 72,
        "moe_intermediate_size": 20,
        "n_routed_experts": 12,
        "n_shared_experts": 1,
        "num_experts_per_tok": 3,
        "num_attention_heads": 3,
        "num_key_value_heads": 3,
        "first_k_dense_replace": 1,
        "q_lora_rank": None,
        "kv_lora_rank": 19,
        "qk_nope_head_dim": 7,
        "qk_rope_head_dim": 6,
        "v_head_dim": 9,
        "n_group": 4,
        "topk_group": 2,
    },
    "glm4_moe": {
        "intermediate_size": 72,
        "moe_intermediate_size": 20,
        "n_routed_experts": 8,
        "n_shared_experts": 1,
        "num_experts_per_tok": 3,
        "num_attention_heads": 5,
        "num_key_value_heads": 1,
        "head_dim": 13,  # odd; 6 of them are rotated
    },
    "dots1": {
        "intermediate_size": 72,
        "moe_intermediate_size": 20,
        "n_routed_experts": 8,
        "n_shared_experts": 2,
        "num_experts_per_tok": 3,
        "num_key_value_heads": 2,
        "first_k_dense_replace": 1,
    },
    "glm4_moe_lite": {
        "intermediate_size": 72,
        "moe_intermediate_size": 20,
        "n_routed_experts": 8,
        "num_experts_per_tok": 3,
        "num_attention_heads": 3,
        "num_key_value_heads": 3,
        "q_lora_rank": 14,
        "kv_lora_rank": 19,
        "qk_nope_head_dim": 7,
        "qk_rope_head_dim": 6,
        "v_head_dim": 9,
    },
    "minimax_m2": {
        "intermediate_size": 28,
        "head_dim": 10,
        "num_attention_heads": 5,
        "num_key_value_heads": 1,
        "num_local_experts": 7,
        "num_experts_per_tok": 3,
    },
    "granitemoe": {
        "intermediate_size": 28,
        "num_attention_heads": 3,
        "num_key_value_heads": 1,
        "num_local_experts": 6,
        "num_experts_per_tok": 2,
    },
}
WRITING = ("shard", "seed", "dtype", "published", "storage", "fields", "prediction")


def case(family: str, **values: Any) -> Case:  # noqa: ANN401
    """A case of a family: the fields of `Case` by name, everything else goes to the config."""
    writing = {name: values.pop(name) for name in WRITING if name in values}
    return Case(family, COMMON | FAMILIES[family] | values, **writing)


def scaled(kind: str, factor: float | None = None, theta: float = 10000.0, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Rope parameters of a scaling in the dialect of transformers 5."""
    return {"rope_type": kind, "rope_theta": theta} | ({"factor": factor} if factor else {}) | more


def spread(start: float, end: float, n: int) -> list[float]:
    return [round(start + (end - start) * i / (n - 1), 4) for i in range(n)]
