// OLMoE-1B-7B: q/k RMSNorm over the whole projection, optional clamp of q, k, v, every layer MoE, no shared
// expert. Reference: transformers models/olmoe.

#include "model/families/parts.hpp"

namespace moerae {

void plan_olmoe(Config const& config, ModelPlan& plan) {
  plan.norm.eps = config.number("rms_norm_eps", 1e-5);
  auto attention = plain_attention(config, plan, KvHeads::as_heads);
  attention.bias = attention.out_bias = config.boolean("attention_bias", false);
  attention.qk_norm = QkNorm::whole_projection;
  attention.clip_qkv = config.optional_number("clip_qkv");
  // q_norm is made for hidden_size values, whatever head_dim says
  if (attention.heads * attention.head_dim != plan.hidden)
    config.fail("head_dim", "hidden_size / num_attention_heads");

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.renormalise = config.boolean("norm_topk_prob", false);
  moe.intermediate = config.integer("intermediate_size", 1);
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) plan.layers.push_back({attention, moe});
}

}  // namespace moerae
