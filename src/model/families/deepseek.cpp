// deepseek-moe-16b (V1, arXiv 2401.06066): plain attention, first layers dense, shared experts always on,
// greedy softmax router. Reference: the modeling_deepseek.py published with the weights (not in
// transformers).

#include "model/families/parts.hpp"

namespace moerae {

void plan_deepseek(Config const& config, ModelPlan& plan) {
  config.only("scoring_func", "softmax", "softmax");
  plan.norm.eps = config.number("rms_norm_eps", 1e-6);
  auto attention = plain_attention(config, plan, KvHeads::as_heads);
  attention.bias = attention.out_bias = config.boolean("attention_bias", false);
  using Scaling = RopeSpec::Scaling;
  if (auto const s = attention.rope.scaling;
      s != Scaling::none && s != Scaling::linear && s != Scaling::dynamic)
    config.fail("rope_scaling", "type linear, dynamic or none: nothing else is known of this family");

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.renormalise = config.boolean("norm_topk_prob", false) && moe.router.top_k > 1;
  moe.router.renormalise_eps = 1e-20;
  moe.intermediate = config.integer("moe_intermediate_size", 1);
  moe.shared = side_by_side(config, 0, Null::as_absent);

  plan.names.experts_module = "mlp.experts.{expert}";

  auto const dense = config.integer("first_k_dense_replace", 0, 0);
  auto const every = config.integer("moe_layer_freq", 1, 1);
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) {
    if (layer >= dense && layer % every == 0)
      plan.layers.push_back({attention, moe});
    else
      plan.layers.push_back({attention, DenseSpec{config.integer("intermediate_size", 1)}});
  }
}

}  // namespace moerae
