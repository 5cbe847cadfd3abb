// GLM-4.5, GLM-4.5-Air (arXiv 2508.06471): half of each head rotated, optional q/k RMSNorm per head, biases
// on q, k, v, router and layer plan of DeepSeek-V3. Reference: transformers models/glm4_moe.

#include "model/families/parts.hpp"

namespace moerae {

void plan_glm4_moe(Config const& config, ModelPlan& plan) {
  config.only("scoring_func", "sigmoid", "sigmoid");
  config.only("topk_method", "noaux_tc", "noaux_tc");
  plan.norm.eps = config.number("rms_norm_eps", 1e-5);
  auto attention =
      plain_attention(config, plan, KvHeads::required, {.theta = 1e4, .partial = 0.5, .scaling = {}});
  attention.bias = config.boolean("attention_bias", false);
  if (config.boolean("use_qk_norm", false)) attention.qk_norm = QkNorm::per_head;

  MoeSpec moe;
  moe.router = sigmoid_router(config, 1, 1, 1);
  moe.intermediate = config.integer("moe_intermediate_size", 1);
  moe.shared = side_by_side(config, 1);
  push_layers_dense_first(config, 1, attention, moe, plan);
  skip_prediction_layers(config, plan);
}

}  // namespace moerae
