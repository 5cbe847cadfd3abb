// GLM-4.7-Flash: latent attention of DeepSeek-V3, router and experts of GLM-4.5; which layers are MoE stands
// in `mlp_layer_types`, without it all but the first. Reference: transformers models/glm4_moe_lite.

#include "model/families/parts.hpp"

namespace moerae {

void plan_glm4_moe_lite(Config const& config, ModelPlan& plan) {
  config.only("topk_method", "noaux_tc", "noaux_tc");
  plan.norm.eps = config.number("rms_norm_eps", 1e-5);
  auto const attention = latent_attention(config, config.boolean("rope_interleave", true));

  MoeSpec moe;
  moe.router = sigmoid_router(config, 1, 1, 1.8);
  moe.intermediate = config.integer("moe_intermediate_size", 1);
  moe.shared = side_by_side(config, 1);

  auto types = config.texts("mlp_layer_types");
  if (types.empty()) {
    types.assign(static_cast<std::size_t>(config.layers()), "sparse");
    types.front() = "dense";
  }
  if (std::ssize(types) != config.layers())
    config.fail("mlp_layer_types", "one entry for each of num_hidden_layers");
  for (auto const& type : types) {
    if (type != "sparse" && type != "dense") config.fail("mlp_layer_types", "sparse or dense for each layer");
    if (type == "sparse")
      plan.layers.push_back({attention, moe});
    else
      plan.layers.push_back({attention, DenseSpec{config.integer("intermediate_size", 1)}});
  }
  skip_prediction_layers(config, plan);
}

}  // namespace moerae
