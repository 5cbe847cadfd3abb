// DeepSeek-V2, V2-Lite (arXiv 2405.04434): latent attention, shared experts, router in float32 with a scaling
// factor and, in the large model, a choice within the best groups. Reference: transformers
// models/deepseek_v2.

#include "model/families/parts.hpp"

namespace moerae {

void plan_deepseek_v2(Config const& config, ModelPlan& plan) {
  config.only("scoring_func", "softmax", "softmax");
  if (config.integer("moe_layer_freq", 1, 1, Null::as_absent) != 1)
    config.fail("moe_layer_freq", "1: transformers does not read it, the published code does");
  plan.norm.eps = config.number("rms_norm_eps", 1e-6);
  auto const attention = latent_attention(config, true);

  MoeSpec moe;
  auto& router = moe.router;
  router = plain_router(config);
  router.float32_logits = true;
  // `norm_topk_prob` is not read: transformers dropped it for this family; every published file says false
  router.scale = config.number("routed_scaling_factor", 1);
  auto const method = config.text("topk_method", "greedy");
  if (method == "group_limited_greedy") {
    router.groups = config.integer("n_group", 1);
    router.top_groups = config.integer("topk_group", 1);
  } else if (method != "greedy") {
    config.fail("topk_method", "greedy or group_limited_greedy");
  }
  moe.intermediate = config.integer("moe_intermediate_size", 1);
  moe.shared = side_by_side(config, 2);
  push_layers_dense_first(config, 0, attention, moe, plan);
}

}  // namespace moerae
