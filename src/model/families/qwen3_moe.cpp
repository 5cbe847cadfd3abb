// Qwen3-MoE (Qwen3-30B-A3B, Qwen3-235B-A22B): q/k RMSNorm per head, MoE layers by `decoder_sparse_step` and
// `mlp_only_layers`, softmax router with optional renormalisation. Reference: transformers models/qwen3_moe.

#include "model/families/parts.hpp"

namespace moerae {

void plan_qwen3_moe(Config const& config, ModelPlan& plan) {
  plan.norm.eps = config.number("rms_norm_eps", 1e-6);
  auto attention = plain_attention(config, plan, KvHeads::required);
  attention.bias = attention.out_bias = config.boolean("attention_bias", false);
  attention.qk_norm = QkNorm::per_head;
  // every layer slides: the reference does not read max_window_layers in this family
  if (config.boolean("use_sliding_window", false)) attention.window = config.integer("sliding_window", 1);

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.renormalise = config.boolean("norm_topk_prob", false);
  moe.intermediate = config.integer("moe_intermediate_size", 1);
  push_layers_by_step(config, attention, moe, plan);
}

}  // namespace moerae
