// DeepSeek-V3, R1 (arXiv 2412.19437): latent attention, sigmoid router with a correction bias and groups, one
// shared expert, first layers dense; weights as block FP8 or plain. Reference: transformers
// models/deepseek_v3.

#include "model/families/parts.hpp"

namespace moerae {

void plan_deepseek_v3(Config const& config, ModelPlan& plan) {
  config.only("scoring_func", "sigmoid", "sigmoid");
  config.only("topk_method", "noaux_tc", "noaux_tc");
  if (config.integer("moe_layer_freq", 1, 1, Null::as_absent) != 1) config.fail("moe_layer_freq", "1");
  plan.norm.eps = config.number("rms_norm_eps", 1e-6);
  auto const attention = latent_attention(config, config.boolean("rope_interleave", true));

  MoeSpec moe;
  moe.router = sigmoid_router(config, 8, 4, 2.5);
  moe.intermediate = config.integer("moe_intermediate_size", 1);
  moe.shared = side_by_side(config, 1);
  push_layers_dense_first(config, 3, attention, moe, plan);
  skip_prediction_layers(config, plan);
}

}  // namespace moerae
