"""gpt_oss and granitemoe: softmax over the logits of the chosen."""

from __future__ import annotations

from moerae.reference.cases.case import ORIGINAL, case, scaled

OPENAI = (("experts_per_token", 3), ("initial_context_length", ORIGINAL), ("swiglu_limit", 7.0))

CASES = {
    "gpt_oss-bf16-yarn": case("gpt_oss", seed=140, dtype="bfloat16", num_hidden_layers=4, rms_norm_eps=1e-3),
    "gpt_oss-mxfp4-sharded": case(
        "gpt_oss",
        seed=141,
        dtype="bfloat16",
        storage="mxfp4",
        shard="60KB",
        rope_parameters=scaled(
            "yarn", 32.0, 150000.0, beta_fast=32.0, beta_slow=1.0, truncate=False, original_max_position_embeddings=8
        ),
    ),
    "gpt_oss-mxfp4-odd-blocks-top-1-published": case(
        "gpt_oss",
        seed=142,
        dtype="bfloat16",
        storage="mxfp4",
        published=True,
        fields=OPENAI,
        hidden_size=96,
        intermediate_size=160,
        head_dim=6,
        num_attention_heads=5,
        num_key_value_heads=1,
        num_experts_per_tok=1,
        num_local_experts=5,
        rope_parameters=scaled(
            "yarn", 4.0, 150000.0, beta_fast=32.0, beta_slow=1.0, truncate=True, original_max_position_embeddings=16
        ),
    ),
    "gpt_oss-all-experts-full-attention": case(
        "gpt_oss",
        seed=143,
        hidden_size=40,
        intermediate_size=24,
        num_local_experts=3,
        attention_bias=False,
        layer_types=["full_attention", "full_attention", "sliding_attention"],
        swiglu_limit=1.5,
        rope_parameters=scaled("default"),
    ),
    "granitemoe-multipliers": case(
        "granitemoe",
        seed=160,
        attention_bias=True,
        embedding_multiplier=1.7,
        residual_multiplier=0.6,
        attention_multiplier=0.11,
        logits_scaling=3.0,
        rms_norm_eps=1e-3,
    ),
    "granitemoe-published-tied-top-1-bf16": case(
        "granitemoe",
        seed=161,
        dtype="bfloat16",
        published=True,
        tie_word_embeddings=True,
        num_experts_per_tok=1,
        embedding_multiplier=12.0,
        residual_multiplier=0.22,
        attention_multiplier=0.015625,
        logits_scaling=6.0,
    ),
    "granitemoe-all-experts-linear-sharded": case(
        "granitemoe",
        seed=162,
        shard="40KB",
        num_local_experts=3,
        num_experts_per_tok=3,
        attention_multiplier=0.3,
        rope_parameters=scaled("linear", 2.0),
    ),
}
