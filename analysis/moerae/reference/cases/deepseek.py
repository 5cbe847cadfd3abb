"""deepseek (V1) and deepseek_v2."""

from __future__ import annotations

from moerae.reference.cases.case import ORIGINAL, case, scaled

PUBLISHED_V2 = (("scoring_func", "softmax"), ("moe_layer_freq", 1), ("seq_aux", True), ("aux_loss_alpha", 0.001))

CASES = {
    "deepseek-dense-first": case("deepseek", seed=120, published=True),
    "deepseek-linear-bf16-sharded": case(
        "deepseek",
        rms_norm_eps=1e-3,
        seed=121,
        dtype="bfloat16",
        shard="40KB",
        num_hidden_layers=4,
        num_key_value_heads=1,
        moe_layer_freq=2,
        rope_parameters=scaled("linear", 2.5),
    ),
    "deepseek-all-experts-unshared-tied": case(
        "deepseek",
        seed=122,
        n_routed_experts=5,
        num_experts_per_tok=5,
        n_shared_experts=None,
        first_k_dense_replace=0,
        tie_word_embeddings=True,
    ),
    "deepseek_v2-lite-yarn": case(
        "deepseek_v2",
        seed=123,
        published=True,
        fields=PUBLISHED_V2,
        rope_parameters=scaled(
            "yarn",
            40.0,
            mscale=0.707,
            mscale_all_dim=0.707,
            beta_fast=32,
            beta_slow=1,
            original_max_position_embeddings=ORIGINAL,
        ),
    ),
    "deepseek_v2-groups-mscale-sharded": case(
        "deepseek_v2",
        seed=124,
        shard="40KB",
        q_lora_rank=14,
        rms_norm_eps=1e-3,  # of the layers only: the norms of latent vectors keep 1e-6
        attention_bias=True,
        topk_method="group_limited_greedy",
        n_group=4,
        topk_group=2,
        routed_scaling_factor=1.6,
        rope_parameters=scaled(
            "yarn", 4.0, mscale=1.0, mscale_all_dim=0.5, beta_fast=4, original_max_position_embeddings=ORIGINAL
        ),
    ),
    "deepseek_v2-top-1-tied-bf16": case(
        "deepseek_v2",
        seed=125,
        dtype="bfloat16",
        num_experts_per_tok=1,
        first_k_dense_replace=0,
        n_shared_experts=1,
        tie_word_embeddings=True,
    ),
    "deepseek_v2-all-experts": case("deepseek_v2", seed=126, n_routed_experts=5, num_experts_per_tok=5),
}
