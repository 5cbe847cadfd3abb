// Granite-3.0 MoE: fused expert tensors, multipliers on embeddings, residual stream, attention and logits,
// softmax over the chosen logits in float32. Reference: transformers models/granitemoe.

#include "model/families/parts.hpp"

namespace moerae {

void plan_granitemoe(Config const& config, ModelPlan& plan) {
  plan.norm.eps = config.number("rms_norm_eps", 1e-6);
  plan.embedding_scale = config.number("embedding_multiplier", 1);
  plan.residual_scale = config.number("residual_multiplier", 1);
  plan.logit_divisor = config.number("logits_scaling", 1);
  if (plan.logit_divisor == 0) config.fail("logits_scaling", "a number other than 0");
  auto attention = plain_attention(config, plan, KvHeads::as_heads);
  attention.bias = attention.out_bias = config.boolean("attention_bias", false);
  attention.scale = config.number("attention_multiplier", 1);

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.score = RouterSpec::Score::logits;
  moe.router.weight = RouterSpec::Weight::softmax_of_chosen;
  moe.intermediate = config.integer("intermediate_size", 1);
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) plan.layers.push_back({attention, moe});

  plan.names.router = "block_sparse_moe.router.layer";
  plan.names.experts = ExpertLayout::fused;
  plan.names.experts_module = "block_sparse_moe.experts";
  plan.names.expert_gate_up = "block_sparse_moe.input_linear.weight";
  plan.names.expert_down_all = "block_sparse_moe.output_linear.weight";
  plan.names.spellings = {{"block_sparse_moe.experts.gate_up_proj", plan.names.expert_gate_up},
                          {"block_sparse_moe.experts.down_proj", plan.names.expert_down_all},
                          {"block_sparse_moe.router.weight", plan.names.router + ".weight"}};
}

}  // namespace moerae
