// gpt-oss-20b, -120b (arXiv 2508.10925): sinks, every other layer a sliding window, router with bias and
// softmax over the chosen, clamped SwiGLU on interleaved gate and up; experts in MXFP4 or, converted, in
// bfloat16. Reference: transformers models/gpt_oss.

#include "model/families/parts.hpp"

namespace moerae {

void plan_gpt_oss(Config const& config, ModelPlan& plan) {
  RopeSpec scaling;  // GptOssConfig's own, for a file without rope parameters
  scaling.scaling = RopeSpec::Scaling::yarn;
  scaling.factor = 32;
  scaling.attention_factor = yarn_magnitude(32, 1);
  scaling.truncate = false;
  scaling.original_positions = 4096;

  plan.norm.eps = config.number("rms_norm_eps", 1e-5);
  auto attention =
      plain_attention(config, plan, KvHeads::as_heads, {.theta = 150000, .partial = {}, .scaling = scaling});
  attention.bias = attention.out_bias = config.boolean("attention_bias", true);
  attention.sinks = true;

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.score = RouterSpec::Score::logits;
  moe.router.weight = RouterSpec::Weight::softmax_of_chosen;
  moe.router.bias = true;
  moe.intermediate = config.integer("intermediate_size", 1);
  moe.activation = {true, config.number("swiglu_alpha", 1.702), config.number("swiglu_limit", 7)};
  moe.bias = true;
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) plan.layers.push_back({attention, moe});
  set_windows(
      config, config.integer("sliding_window", 1, 128), [](std::int64_t layer) { return layer % 2 == 0; },
      plan);

  plan.names.router = "mlp.router";
  plan.names.experts = plan.quantisation.method == "mxfp4" ? ExpertLayout::mxfp4 : ExpertLayout::interleaved;
}

}  // namespace moerae
