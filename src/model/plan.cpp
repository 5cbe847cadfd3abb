#include "moerae/model/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "families/family.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/strict_json.hpp"

namespace moerae {
namespace {

// What holds for every family; each check names the fields as they stand in config.json.
void check(Config const& config, ModelPlan const& plan) {
  for (auto const& layer : plan.layers) {
    auto const& a = layer.attention;
    if (a.heads % a.kv_heads != 0)
      config.fail("num_key_value_heads", fmt::format("a divisor of num_attention_heads = {}", a.heads));
    if (a.head_dim < 2 || a.head_dim % 2 != 0)
      config.fail("head_dim", fmt::format("an even number, not {}", a.head_dim));
    if (!(a.rope_theta > 0)) config.fail("rope_theta", "a positive number");
    if (auto const* moe = layer.moe(); moe && moe->router.top_k > moe->router.experts)
      config.fail("num_experts_per_tok",
                  fmt::format("at most the {} experts of a layer", moe->router.experts));
  }
  if (plan.moe_layers().empty()) config.fail("num_hidden_layers", "at least one Mixture-of-Experts layer");
  auto const experts = plan.router().experts;
  if (experts > 65535) config.fail("num_experts", "at most 65535");
  if (experts * static_cast<std::int64_t>(plan.layers.size()) > 1 << 20)
    config.fail("num_hidden_layers",
                fmt::format("at most 2^20 experts in all, not {} in each layer", experts));
}

std::string dtype_of(Config const& config) {
  auto const name = config.text("dtype", config.text("torch_dtype", "float32"));
  for (auto const* known : {"float32", "bfloat16", "float16"})
    if (name == known) return name;
  config.fail(config.has("dtype") ? "dtype" : "torch_dtype", "float32, bfloat16 or float16");
}

}  // namespace

std::vector<LayerId> ModelPlan::moe_layers() const {
  std::vector<LayerId> out;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (layers[i].moe()) out.emplace_back(static_cast<std::int32_t>(i));
  return out;
}

RouterSpec ModelPlan::router() const {
  MoeSpec const* first = nullptr;
  for (auto const& layer : layers) {
    auto const* moe = layer.moe();
    if (!moe) continue;
    if (!first) first = moe;
    validate<DataError>(
        moe->router.experts == first->router.experts && moe->router.top_k == first->router.top_k,
        "{}: the MoE layers differ in their number of experts or top-k; such models are not available yet",
        family);
  }
  validate<DataError>(first, "{}: the model has no Mixture-of-Experts layer", family);
  return first->router;
}

ModelPlan read_plan(std::filesystem::path const& folder) {
  auto const path = folder / "config.json";
  auto json = parse_strict_json(read_small_file(path, 1 << 20), path.string());
  Config const config(path.string(), std::move(json));
  ModelPlan plan;
  plan.family = config.text("model_type", "");
  auto const known = families();
  auto const family =
      std::ranges::find_if(known, [&](Family const& f) { return plan.family == f.model_type; });
  if (family == known.end()) {
    std::string names;
    for (auto const& f : known) names += (names.empty() ? "" : ", ") + std::string(f.model_type);
    config.fail("model_type", "one of the known families: " + names);
  }
  if (auto const act = config.text("hidden_act", "silu"); act != "silu") config.fail("hidden_act", "silu");
  plan.dtype = dtype_of(config);
  plan.vocabulary = config.integer("vocab_size", 1);
  plan.hidden = config.integer("hidden_size", 1);
  plan.tied_embeddings = config.boolean("tie_word_embeddings", false);
  family->plan(config, plan);
  check(config, plan);
  return plan;
}

}  // namespace moerae
