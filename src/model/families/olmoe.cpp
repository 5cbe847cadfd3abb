// OLMoE-1B-7B: q/k RMSNorm over the whole projection, optional clamp of q, k, v, every layer MoE, no shared
// expert. Reference: transformers models/olmoe.

#include "families/family.hpp"

namespace moerae {

void plan_olmoe(Config const& config, ModelPlan& plan) {
  plan.norm_eps = config.number("rms_norm_eps", 1e-5);
  AttentionSpec attention;
  attention.heads = config.integer("num_attention_heads", 1);
  attention.kv_heads = config.integer("num_key_value_heads", 1, attention.heads);
  attention.head_dim = plan.hidden / attention.heads;
  if (plan.hidden % attention.heads != 0) config.fail("num_attention_heads", "a divisor of hidden_size");
  attention.bias = config.boolean("attention_bias", false);
  attention.qk_norm = QkNorm::whole_projection;
  attention.clip_qkv = config.optional_number("clip_qkv");
  attention.rope_theta = config.rope_theta(10000);

  MoeSpec moe;
  moe.router.experts = config.integer("num_experts", 1, 64);
  moe.router.top_k = config.integer("num_experts_per_tok", 1, 8);
  moe.router.renormalise = config.boolean("norm_topk_prob", false);
  moe.intermediate = config.integer("intermediate_size", 1);

  for (std::int64_t layer = 0; layer < config.layers(); ++layer) plan.layers.push_back({attention, moe});
}

}  // namespace moerae
