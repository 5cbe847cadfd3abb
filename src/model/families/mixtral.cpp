// Mixtral-8x7B, -8x22B: weights of the chosen always renormalised, every layer MoE. Reference: transformers
// models/mixtral.

#include "model/families/parts.hpp"

namespace moerae {

void plan_mixtral(Config const& config, ModelPlan& plan) {
  plan.norm.eps = config.number("rms_norm_eps", 1e-5);
  auto attention =
      plain_attention(config, plan, KvHeads::as_heads, {.theta = 1e6, .partial = {}, .scaling = {}});
  if (config.has("sliding_window")) attention.window = config.integer("sliding_window", 1);

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.renormalise = true;
  moe.router.float32_weights = true;  // the reference does not cast them back
  moe.intermediate = config.integer("intermediate_size", 1);
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) plan.layers.push_back({attention, moe});

  plan.names.router = "block_sparse_moe.gate";
  plan.names.expert_gate = "block_sparse_moe.experts.{expert}.w1";
  plan.names.expert_up = "block_sparse_moe.experts.{expert}.w3";
  plan.names.expert_down = "block_sparse_moe.experts.{expert}.w2";
}

}  // namespace moerae
