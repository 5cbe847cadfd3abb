// Mixtral-8x7B, -8x22B: weights of the chosen always renormalised, every layer MoE. Reference: transformers
// models/mixtral.

#include "model/families/parts.hpp"

namespace moerae {

void plan_mixtral(Config const& config, ModelPlan& plan) {
  plan.norm.eps = config.number("rms_norm_eps", 1e-5);
  auto attention = plain_attention(config, plan, KvHeads::as_heads,
                                   {.theta = 1e6, .partial = {}, .scaling = {}}, Null::as_absent);
  if (config.has("sliding_window")) attention.window = config.integer("sliding_window", 1);

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.renormalise = true;
  moe.router.float32_weights = true;  // the reference does not cast them back
  push_sparse_blocks(config, attention, moe, plan);
}

}  // namespace moerae
