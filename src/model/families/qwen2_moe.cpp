// Qwen2-MoE (Qwen1.5-MoE-A2.7B, Qwen2-57B-A14B): biases on q, k, v, a shared expert gated by sigmoid(x w),
// softmax router usually without renormalisation. Reference: transformers models/qwen2_moe.

#include <algorithm>

#include "model/families/parts.hpp"

namespace moerae {

void plan_qwen2_moe(Config const& config, ModelPlan& plan) {
  plan.norm.eps = config.number("rms_norm_eps", 1e-6);
  auto attention = plain_attention(config, plan, KvHeads::required);
  attention.bias = config.boolean("qkv_bias", true);

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.renormalise = config.boolean("norm_topk_prob", false);
  moe.intermediate = config.integer("moe_intermediate_size", 1);
  moe.shared = SharedSpec{config.integer("shared_expert_intermediate_size", 1), true};
  push_layers_by_step(config, attention, moe, plan);

  if (config.boolean("use_sliding_window", false)) {
    auto const sliding = config.integer("max_window_layers", 0, 28);
    set_windows(
        config, config.integer("sliding_window", 1), [](std::int64_t layer) { return layer % 2 == 0; }, plan);
    // without layer_types: every other layer below max_window_layers
    if (config.texts("layer_types").empty())
      for (auto layer = sliding; layer < config.layers(); ++layer)
        plan.layers[static_cast<std::size_t>(layer)].attention.window.reset();
  } else if (auto const types = config.texts("layer_types");
             std::ranges::count(types, "sliding_attention") != 0) {
    config.fail("layer_types", "full_attention throughout, since use_sliding_window is off");
  }
  plan.names.shared_gate = "mlp.shared_expert.gate_proj";
  plan.names.shared_up = "mlp.shared_expert.up_proj";
  plan.names.shared_down = "mlp.shared_expert.down_proj";
}

}  // namespace moerae
