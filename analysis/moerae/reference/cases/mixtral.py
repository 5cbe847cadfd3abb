"""olmoe, mixtral and phimoe."""

from __future__ import annotations

from moerae.reference.cases.case import ORIGINAL, case, scaled, spread

CASES = {
    "olmoe-full": case(
        "olmoe",
        seed=27,
        published=True,
        norm_topk_prob=False,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 5e5},
    ),
    "olmoe-clip-grouped-sharded": case(
        "olmoe", shard="40KB", seed=108, num_key_value_heads=2, norm_topk_prob=True, clip_qkv=0.8
    ),
    "olmoe-tied-top-1": case("olmoe", seed=9, num_experts_per_tok=1, tie_word_embeddings=True, norm_topk_prob=False),
    "olmoe-all-experts": case("olmoe", seed=10, num_experts=4, num_experts_per_tok=4, norm_topk_prob=True),
    "olmoe-dynamic-published": case(
        "olmoe",
        seed=110,
        published=True,
        num_attention_heads=3,
        num_key_value_heads=1,
        max_position_embeddings=ORIGINAL,
        rope_parameters=scaled("dynamic", 2.0),
    ),
    "mixtral-window-head-dim": case(
        "mixtral",
        seed=311,
        published=True,
        num_attention_heads=5,
        num_key_value_heads=1,
        head_dim=10,
        sliding_window=11,
    ),
    "mixtral-longrope-tied-sharded": case(
        "mixtral",
        seed=112,
        shard="40KB",
        tie_word_embeddings=True,
        head_dim=12,
        max_position_embeddings=4 * ORIGINAL,
        rope_parameters=scaled(
            "longrope",
            short_factor=spread(1.0, 1.5, 6),
            long_factor=spread(1.2, 9.0, 6),
            original_max_position_embeddings=ORIGINAL,
        ),
    ),
    "mixtral-top-1": case("mixtral", seed=113, num_experts_per_tok=1, num_local_experts=5, rms_norm_eps=1e-3),
    "mixtral-all-experts-dynamic-bf16": case(
        "mixtral",
        seed=114,
        dtype="bfloat16",
        num_local_experts=3,
        num_experts_per_tok=3,
        head_dim=14,
        max_position_embeddings=ORIGINAL,
        rope_parameters=scaled("dynamic", 4.0),
    ),
    "phimoe-longrope-biases": case(
        "phimoe",
        seed=115,
        published=True,
        attention_bias=True,
        lm_head_bias=True,
        max_position_embeddings=4 * ORIGINAL,
        rope_parameters=scaled(
            "longrope",
            short_factor=spread(1.0, 1.4, 6),
            long_factor=spread(1.1, 8.0, 6),
            short_mscale=1.25,
            long_mscale=1.5,
            original_max_position_embeddings=ORIGINAL,
        ),
    ),
    "phimoe-jitter-sharded": case(
        "phimoe",
        seed=116,
        shard="40KB",
        num_attention_heads=3,
        num_key_value_heads=1,
        router_jitter_noise=0.2,
        rms_norm_eps=1e-3,
    ),
    "phimoe-window-two-experts-bf16": case(
        "phimoe", seed=117, dtype="bfloat16", num_local_experts=2, sliding_window=13, attention_bias=True
    ),
}
