// Phi-3.5-MoE: sparse-mixer routing, LayerNorm with bias, biases on attention and head, LongRoPE. Reference:
// transformers models/phimoe.

#include "model/families/parts.hpp"

namespace moerae {
namespace {

// PhimoeRotaryEmbedding.forward computes its frequencies anew without a length, which always gives the short
// table (the long one that @dynamic_rope_update puts into `inv_freq` is not read), and takes short_mscale or
// long_mscale by the length of the prompt instead of the attention factor.
void follow_reference(Config const& config, RopeSpec& rope) {
  if (rope.scaling == RopeSpec::Scaling::none) return;
  if (rope.scaling != RopeSpec::Scaling::longrope)
    config.fail("rope_scaling", "type \"longrope\" or none: nothing else is known of this family");
  auto const own = rope_object(config);
  rope.long_factors = rope.short_factors;
  rope.attention_factor = own->number("short_mscale");
  rope.long_attention_factor = own->number("long_mscale");
}

}  // namespace

void plan_phimoe(Config const& config, ModelPlan& plan) {
  plan.norm = {true, config.number("rms_norm_eps", 1e-5)};
  plan.head_bias = config.boolean("lm_head_bias", false);
  auto attention =
      plain_attention(config, plan, KvHeads::as_heads, {.theta = 1e6, .partial = {}, .scaling = {}});
  attention.bias = attention.out_bias = config.boolean("attention_bias", false);
  if (config.has("sliding_window")) attention.window = config.integer("sliding_window", 1);
  follow_reference(config, attention.rope);

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.weight = RouterSpec::Weight::sparse_mixer;
  moe.router.jitter = config.number("router_jitter_noise", 0.01);
  push_sparse_blocks(config, attention, moe, plan);
  plan.names.spellings.push_back({".block_sparse_moe.router.", ".block_sparse_moe.gate."});
}

}  // namespace moerae
