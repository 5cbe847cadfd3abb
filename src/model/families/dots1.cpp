// dots.llm1 (arXiv 2506.05767): attention of Qwen3 with its norms per head, router and layer plan of
// DeepSeek-V3. Reference: transformers models/dots1.

#include <algorithm>

#include "model/families/parts.hpp"

namespace moerae {

void plan_dots1(Config const& config, ModelPlan& plan) {
  plan.norm.eps = config.number("rms_norm_eps", 1e-6);
  auto attention = plain_attention(config, plan, KvHeads::as_heads);
  attention.bias = attention.out_bias = config.boolean("attention_bias", false);
  attention.qk_norm = QkNorm::per_head;

  MoeSpec moe;
  moe.router = sigmoid_router(config, 1, 1, 1);
  moe.router.renormalise = config.boolean("norm_topk_prob", false);
  moe.intermediate = config.integer("moe_intermediate_size", 1);
  moe.shared = side_by_side(config, 0);
  push_layers_dense_first(config, 0, attention, moe, plan);

  auto const types = config.texts("layer_types");
  if (config.holds("sliding_window") && !config.has("sliding_window")) {  // null: no layer slides
    if (std::ranges::count(types, "sliding_attention") != 0)
      config.fail("sliding_window", "the window of the layers that layer_types calls sliding_attention");
    return;
  }
  auto const window = config.integer("sliding_window", 1, 4096);
  set_windows(
      config, window, [](std::int64_t) { return false; }, plan);
  if (!types.empty()) return;
  for (auto layer = config.integer("max_window_layers", 0, 62); layer < config.layers(); ++layer)
    plan.layers[static_cast<std::size_t>(layer)].attention.window = window;
}

}  // namespace moerae
