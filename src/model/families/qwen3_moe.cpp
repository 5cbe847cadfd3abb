// Qwen3-MoE (Qwen3-30B-A3B, Qwen3-235B-A22B): q/k RMSNorm per head, MoE layers by `decoder_sparse_step` and
// `mlp_only_layers`, softmax router with optional renormalisation. Reference: transformers models/qwen3_moe.

#include <algorithm>

#include "families/family.hpp"

namespace moerae {

void plan_qwen3_moe(Config const& config, ModelPlan& plan) {
  if (config.boolean("use_sliding_window", false))
    config.fail("use_sliding_window", "false; sliding windows are not available yet");
  plan.norm_eps = config.number("rms_norm_eps", 1e-6);
  AttentionSpec attention;
  attention.heads = config.integer("num_attention_heads", 1);
  attention.kv_heads = config.integer("num_key_value_heads", 1);
  attention.head_dim = config.integer("head_dim", 2, plan.hidden / attention.heads);
  attention.bias = config.boolean("attention_bias", false);
  attention.qk_norm = QkNorm::per_head;
  attention.rope_theta = config.rope_theta(10000);

  MoeSpec moe;
  moe.router.experts =
      config.has("num_experts") ? config.integer("num_experts", 1) : config.integer("num_local_experts", 1);
  moe.router.top_k = config.integer("num_experts_per_tok", 1);
  moe.router.renormalise = config.boolean("norm_topk_prob", false);
  moe.intermediate = config.integer("moe_intermediate_size", 1);

  auto const step = config.integer("decoder_sparse_step", 1, 1);
  auto const dense_only = config.integers("mlp_only_layers");
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) {
    bool const sparse = (layer + 1) % step == 0 && std::ranges::find(dense_only, layer) == dense_only.end();
    if (sparse)
      plan.layers.push_back({attention, moe});
    else
      plan.layers.push_back({attention, DenseSpec{config.integer("intermediate_size", 1)}});
  }
}

}  // namespace moerae
