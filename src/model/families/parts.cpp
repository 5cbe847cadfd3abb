#include "model/families/parts.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

std::int64_t experts(Config const& config) {
  std::string found;
  for (auto const* field : {"num_experts", "num_local_experts", "n_routed_experts"}) {
    if (!config.has(field)) continue;
    auto const count = config.integer(field, 1);
    if (!found.empty() && count != config.integer(found, 1))
      config.fail(field, fmt::format("the same number as {} = {}", found, config.integer(found, 1)));
    found = field;
  }
  if (found.empty()) config.fail("num_experts", "num_experts, num_local_experts or n_routed_experts");
  return config.integer(found, 1);
}

}  // namespace

AttentionSpec plain_attention(Config const& config, ModelPlan const& plan, KvHeads kv,
                              RopeDefaults const& rope, Null head_dim) {
  AttentionSpec a;
  a.heads = config.integer("num_attention_heads", 1);
  a.kv_heads =
      config.integer("num_key_value_heads", 1,
                     kv == KvHeads::as_heads ? std::optional(a.heads) : std::nullopt, Null::as_absent);
  if (!config.has("head_dim") && plan.hidden % a.heads != 0)
    config.fail("num_attention_heads", fmt::format("a divisor of hidden_size = {}", plan.hidden));
  a.head_dim = config.integer("head_dim", 2, plan.hidden / a.heads, head_dim);
  a.value_dim = a.head_dim;
  a.scale = 1 / std::sqrt(static_cast<double>(a.head_dim));
  a.rope = read_rope(config, a.head_dim, rope);
  return a;
}

AttentionSpec latent_attention(Config const& config, bool interleaved) {
  AttentionSpec a;
  LatentSpec latent;
  a.heads = config.integer("num_attention_heads", 1);
  a.kv_heads = config.integer("num_key_value_heads", 1, a.heads, Null::as_absent);
  if (a.kv_heads != a.heads)
    config.fail("num_key_value_heads", fmt::format("num_attention_heads = {}: latent attention gives every "
                                                   "head its own keys and values",
                                                   a.heads));
  if (config.has("q_lora_rank")) latent.q_rank = config.integer("q_lora_rank", 1);
  latent.kv_rank = config.integer("kv_lora_rank", 1);
  latent.nope_dim = config.integer("qk_nope_head_dim", 1);
  auto const rotated = config.integer("qk_rope_head_dim", 2);
  a.head_dim = latent.nope_dim + rotated;
  a.value_dim = config.integer("v_head_dim", 1);
  a.bias = a.out_bias = config.boolean("attention_bias", false);
  a.rope = read_rope(config, rotated);
  a.rope.interleaved = interleaved;
  a.scale = 1 / std::sqrt(static_cast<double>(a.head_dim));
  // yarn_apply_mscale: the magnitude that was divided out of cos and sin comes back, once for q and once for
  // k
  if (auto const own = rope_object(config); own && a.rope.scaling != RopeSpec::Scaling::none)
    if (auto const mscale = own->number("mscale_all_dim", 0, Null::as_absent); mscale != 0)
      a.scale *= std::pow(yarn_magnitude(a.rope.factor, mscale), 2);
  a.latent = latent;
  return a;
}

RouterSpec plain_router(Config const& config) {
  RouterSpec r;
  r.experts = experts(config);
  r.top_k = config.integer("num_experts_per_tok", 1);
  return r;
}

RouterSpec sigmoid_router(Config const& config, std::int64_t groups, std::int64_t top_groups, double scale) {
  auto r = plain_router(config);
  r.score = RouterSpec::Score::sigmoid;
  r.renormalise = config.boolean("norm_topk_prob", true);
  r.renormalise_eps = 1e-20;
  r.scale = config.number("routed_scaling_factor", scale);
  r.groups = config.integer("n_group", 1, groups);
  r.top_groups = config.integer("topk_group", 1, top_groups);
  r.group_score = RouterSpec::GroupScore::sum_of_two;
  r.correction_bias = true;
  r.float32_logits = true;
  return r;
}

std::optional<SharedSpec> side_by_side(Config const& config, std::int64_t fallback, Null null) {
  auto const count = config.integer("n_shared_experts", 0, fallback, null);
  if (count == 0) return std::nullopt;
  return SharedSpec{count * config.integer("moe_intermediate_size", 1), false};
}

void push_layers_dense_first(Config const& config, std::int64_t fallback, AttentionSpec const& attention,
                             MoeSpec const& moe, ModelPlan& plan) {
  auto const dense = config.integer("first_k_dense_replace", 0, fallback);
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) {
    if (layer >= dense)
      plan.layers.push_back({attention, moe});
    else
      plan.layers.push_back({attention, DenseSpec{config.integer("intermediate_size", 1)}});
  }
}

void push_layers_by_step(Config const& config, AttentionSpec const& attention, MoeSpec const& moe,
                         ModelPlan& plan) {
  auto const step = config.integer("decoder_sparse_step", 1, 1);
  auto const dense = config.integers("mlp_only_layers");
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) {
    if ((layer + 1) % step == 0 && std::ranges::find(dense, layer) == dense.end())
      plan.layers.push_back({attention, moe});
    else
      plan.layers.push_back({attention, DenseSpec{config.integer("intermediate_size", 1)}});
  }
}

void push_sparse_blocks(Config const& config, AttentionSpec const& attention, MoeSpec moe, ModelPlan& plan) {
  moe.intermediate = config.integer("intermediate_size", 1);
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) plan.layers.push_back({attention, moe});
  plan.names.router = "block_sparse_moe.gate";
  plan.names.expert_gate = "block_sparse_moe.experts.{expert}.w1";
  plan.names.expert_up = "block_sparse_moe.experts.{expert}.w3";
  plan.names.expert_down = "block_sparse_moe.experts.{expert}.w2";
  plan.names.expert_gate_up = "block_sparse_moe.experts.gate_up_proj";
  plan.names.expert_down_all = "block_sparse_moe.experts.down_proj";
  plan.names.spellings = {{".mlp.", ".block_sparse_moe."}};
}

void set_windows(Config const& config, std::int64_t window, bool (*fallback)(std::int64_t), ModelPlan& plan) {
  auto const types = config.texts("layer_types");
  if (!types.empty() && types.size() != plan.layers.size())
    config.fail("layer_types", fmt::format("one entry for each of {} layers", plan.layers.size()));
  for (std::size_t layer = 0; layer < plan.layers.size(); ++layer) {
    if (!types.empty() && types[layer] != "sliding_attention" && types[layer] != "full_attention")
      config.fail("layer_types", "sliding_attention or full_attention for each layer");
    bool const slides =
        types.empty() ? fallback(static_cast<std::int64_t>(layer)) : types[layer] == "sliding_attention";
    if (slides) plan.layers[layer].attention.window = window;
  }
}

void skip_prediction_layers(Config const& config, ModelPlan& plan) {
  auto const count = config.integer("num_nextn_predict_layers", 0,
                                    config.integer("num_mtp_layers", 0, 1, Null::as_absent), Null::as_absent);
  if (count > 64) config.fail("num_nextn_predict_layers", "at most 64");
  for (std::int64_t i = 0; i < count; ++i)
    plan.names.extras.push_back(fmt::format("{}{}.*", plan.names.layer, config.layers() + i));
}

}  // namespace moerae
