"""qwen3_moe and qwen2_moe."""

from __future__ import annotations

from moerae.reference.cases.case import ORIGINAL, case, scaled

CASES = {
    "qwen3-grouped": case("qwen3_moe", seed=1, norm_topk_prob=True, tie_word_embeddings=False),
    "qwen3-full-tied-sharded": case(
        "qwen3_moe", shard="40KB", seed=2, num_key_value_heads=4, norm_topk_prob=False, tie_word_embeddings=True
    ),
    "qwen3-sparse-step": case(
        "qwen3_moe", seed=3, num_hidden_layers=6, decoder_sparse_step=2, mlp_only_layers=[3], norm_topk_prob=True
    ),
    "qwen3-head-dim": case(
        "qwen3_moe",
        shard="60KB",
        seed=1344,
        head_dim=10,
        num_experts=10,
        num_experts_per_tok=4,
        norm_topk_prob=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        rms_norm_eps=1e-3,
    ),
    "qwen3-top-1": case("qwen3_moe", seed=5, num_key_value_heads=1, num_experts_per_tok=1, norm_topk_prob=False),
    "qwen3-all-experts": case("qwen3_moe", seed=6, num_experts=4, num_experts_per_tok=4, norm_topk_prob=False),
    "qwen3-llama3-window": case(
        "qwen3_moe",
        seed=101,
        num_attention_heads=5,
        num_key_value_heads=1,
        use_sliding_window=True,
        sliding_window=17,
        attention_bias=True,
        norm_topk_prob=True,
        rope_parameters=scaled(
            "llama3", 8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=ORIGINAL
        ),
    ),
    "qwen3-linear-bf16-published": case(
        "qwen3_moe",
        seed=502,
        dtype="bfloat16",
        published=True,
        norm_topk_prob=True,
        rope_parameters=scaled("linear", 3.5, theta=1e6),
    ),
    "qwen2_moe-shared": case("qwen2_moe", seed=503, norm_topk_prob=False, rms_norm_eps=1e-3),
    "qwen2_moe-yarn-sparse-step-sharded": case(
        "qwen2_moe",
        seed=504,
        shard="40KB",
        published=True,
        num_hidden_layers=6,
        decoder_sparse_step=2,
        mlp_only_layers=[3],
        norm_topk_prob=True,
        rope_parameters=scaled("yarn", 4.0, theta=1e6, original_max_position_embeddings=ORIGINAL),
    ),
    "qwen2_moe-window-tied-top-1": case(
        "qwen2_moe",
        seed=105,
        num_hidden_layers=4,
        use_sliding_window=True,
        sliding_window=7,
        max_window_layers=3,
        tie_word_embeddings=True,
        num_experts_per_tok=1,
    ),
    "qwen2_moe-all-experts-bf16": case(
        "qwen2_moe", seed=106, dtype="bfloat16", qkv_bias=False, num_experts=5, num_experts_per_tok=5
    ),
}
