"""deepseek_v3, dots1, glm4_moe, glm4_moe_lite and minimax_m2: sigmoid scores with a correction bias."""

from __future__ import annotations

from moerae.reference.cases.case import ORIGINAL, case, scaled

PUBLISHED_V3 = (("scoring_func", "sigmoid"), ("topk_method", "noaux_tc"), ("moe_layer_freq", 1), ("ep_size", 1))

CASES = {
    "deepseek_v3-groups-odd": case("deepseek_v3", seed=127, rms_norm_eps=1e-3),
    "deepseek_v3-fp8-yarn-published": case(
        "deepseek_v3",
        seed=128,
        dtype="bfloat16",
        storage="fp8",
        published=True,
        prediction=True,
        fields=PUBLISHED_V3,
        hidden_size=144,  # one whole block and a part of one
        intermediate_size=272,
        moe_intermediate_size=136,
        n_routed_experts=6,
        n_group=3,
        q_lora_rank=130,
        kv_lora_rank=129,
        qk_nope_head_dim=41,
        qk_rope_head_dim=10,
        v_head_dim=43,
        shard="400KB",
        rope_parameters=scaled(
            "yarn", 40.0, mscale=1.0, mscale_all_dim=1.0, beta_fast=32, original_max_position_embeddings=ORIGINAL
        ),
    ),
    "deepseek_v3-one-group-unnormalised-bf16": case(
        "deepseek_v3",
        seed=229,
        dtype="bfloat16",
        n_group=1,
        topk_group=1,
        norm_topk_prob=False,
        routed_scaling_factor=1.0,
        rope_interleave=False,
        attention_bias=True,
        n_shared_experts=2,
        first_k_dense_replace=0,
        q_lora_rank=15,
    ),
    "deepseek_v3-all-experts-sharded": case(
        "deepseek_v3",
        seed=130,
        shard="40KB",
        n_routed_experts=6,
        num_experts_per_tok=6,
        n_group=3,
        topk_group=3,
        tie_word_embeddings=True,
    ),
    "glm4_moe-odd-head-norm": case("glm4_moe", seed=150, use_qk_norm=True, attention_bias=True, rms_norm_eps=1e-3),
    "glm4_moe-groups-yarn-sharded": case(
        "glm4_moe",
        seed=151,
        shard="40KB",
        published=True,
        head_dim=16,
        first_k_dense_replace=0,
        n_shared_experts=2,
        n_group=4,
        topk_group=2,
        routed_scaling_factor=1.7,
        rope_parameters=scaled("yarn", 4.0, original_max_position_embeddings=ORIGINAL, partial_rotary_factor=0.5),
    ),
    "glm4_moe-odd-rotation-top-1-bf16": case(
        "glm4_moe",
        seed=352,
        head_dim=10,  # half of it, 5, is rotated as 6
        dtype="bfloat16",
        published=True,
        prediction=True,
        num_experts_per_tok=1,
        norm_topk_prob=False,
        use_qk_norm=True,
        tie_word_embeddings=True,
    ),
    "dots1-window-scaled": case(
        "dots1",
        seed=370,
        attention_bias=True,
        norm_topk_prob=True,
        routed_scaling_factor=1.7,
        sliding_window=11,
        max_window_layers=2,
        rms_norm_eps=1e-3,
    ),
    "dots1-groups-unnormalised-published-bf16": case(
        "dots1",
        seed=171,
        dtype="bfloat16",
        shard="40KB",
        published=True,
        fields=(("scoring_func", "noaux_tc"),),
        num_attention_heads=3,
        num_key_value_heads=1,
        n_group=4,
        topk_group=2,
        n_shared_experts=1,
        first_k_dense_replace=0,
        sliding_window=None,
    ),
    "dots1-layer-types-top-1-tied": case(
        "dots1",
        seed=172,
        num_experts_per_tok=1,
        norm_topk_prob=True,
        tie_word_embeddings=True,
        sliding_window=9,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
    ),
    "glm4_moe_lite-first-dense-published": case(
        "glm4_moe_lite", seed=180, published=True, prediction=True, rms_norm_eps=1e-3, attention_bias=True
    ),
    "glm4_moe_lite-types-groups-sharded": case(
        "glm4_moe_lite",
        seed=181,
        shard="40KB",
        mlp_layer_types=["sparse", "dense", "sparse"],
        q_lora_rank=None,
        rope_interleave=False,
        n_group=4,
        topk_group=2,
        n_shared_experts=2,
        routed_scaling_factor=1.3,
        rope_parameters=scaled("yarn", 4.0, original_max_position_embeddings=ORIGINAL),
    ),
    "glm4_moe_lite-all-experts-unnormalised-bf16": case(
        "glm4_moe_lite",
        seed=182,
        dtype="bfloat16",
        n_routed_experts=4,
        num_experts_per_tok=4,
        norm_topk_prob=False,
        tie_word_embeddings=True,
    ),
    "minimax_m2-rotary-dim-published": case(
        "minimax_m2", seed=190, published=True, rotary_dim=6, rms_norm_eps=1e-3, fields=(("use_qk_norm", True),)
    ),
    "minimax_m2-partial-sharded": case(
        "minimax_m2",
        seed=392,
        shard="40KB",
        num_attention_heads=4,
        num_key_value_heads=2,
        rope_parameters=scaled("linear", 2.0, partial_rotary_factor=0.4),
    ),
    "minimax_m2-whole-heads-top-1-tied-bf16": case(
        "minimax_m2", seed=192, dtype="bfloat16", num_experts_per_tok=1, tie_word_embeddings=True
    ),
}
