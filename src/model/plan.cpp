#include "moerae/model/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/families/family.hpp"
#include "model/strict_json.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

// Bounds that keep every product of sizes within 64 bits and a damaged file from asking for endless memory.
constexpr std::int64_t widest = 1 << 20, widest_attention = 1 << 24;

void check_width(Config const& config, std::string const& field, std::int64_t value,
                 std::int64_t limit = widest) {
  if (value > limit) config.fail(field, fmt::format("at most {}, not {}", limit, value));
}

void check_attention(Config const& config, AttentionSpec const& a) {
  if (a.heads % a.kv_heads != 0)
    config.fail("num_key_value_heads", fmt::format("a divisor of num_attention_heads = {}", a.heads));
  check_width(config, "num_attention_heads", a.heads);
  check_width(config, "head_dim", a.head_dim);
  check_width(config, "v_head_dim", a.value_dim);
  check_width(config, "num_attention_heads * head_dim", a.heads * std::max(a.head_dim, a.value_dim),
              widest_attention);
  if (a.latent) {
    check_width(config, "q_lora_rank", a.latent->q_rank);
    check_width(config, "kv_lora_rank", a.latent->kv_rank);
  }
}

void check_router(Config const& config, RouterSpec const& r) {
  if (r.top_k > r.experts)
    config.fail("num_experts_per_tok", fmt::format("at most the {} experts of a layer", r.experts));
  if (r.weight == RouterSpec::Weight::sparse_mixer && r.top_k != 2)
    config.fail("num_experts_per_tok", "2: the sparse mixer picks two");
  if (r.experts % r.groups != 0)
    config.fail("n_group", fmt::format("a divisor of the {} experts", r.experts));
  if (r.top_groups > r.groups) config.fail("topk_group", fmt::format("at most n_group = {}", r.groups));
  auto const size = r.experts / r.groups;
  if (r.group_score == RouterSpec::GroupScore::sum_of_two && size < 2)
    config.fail("n_group", "groups of at least two experts: a group is scored by its best two");
  if (r.top_k > r.top_groups * size)
    config.fail("num_experts_per_tok",
                fmt::format("at most the {} experts of {} groups", r.top_groups * size, r.top_groups));
}

// What holds for every family; each check names the fields as they stand in config.json.
void check(Config const& config, ModelPlan const& plan) {
  check_width(config, "hidden_size", plan.hidden);
  for (auto const& layer : plan.layers) {
    check_attention(config, layer.attention);
    if (auto const* dense = std::get_if<DenseSpec>(&layer.feed_forward))
      check_width(config, "intermediate_size", dense->intermediate);
    auto const* moe = layer.moe();
    if (!moe) continue;
    check_router(config, moe->router);
    check_width(config, "moe_intermediate_size", moe->intermediate);
    if (moe->shared) check_width(config, "n_shared_experts", moe->shared->intermediate);
    if (plan.names.experts == ExpertLayout::mxfp4 && (plan.hidden % 32 != 0 || moe->intermediate % 32 != 0))
      config.fail("intermediate_size", "hidden and intermediate sizes in multiples of 32, the MXFP4 block");
  }
  if (plan.moe_layers().empty()) config.fail("num_hidden_layers", "at least one Mixture-of-Experts layer");
  auto const experts = plan.router().experts;
  if (experts > 65535) config.fail("num_experts", "at most 65535");
  if (experts * static_cast<std::int64_t>(plan.layers.size()) > 1 << 20)
    config.fail("num_hidden_layers",
                fmt::format("at most 2^20 experts in all, not {} in each layer", experts));
}

Family const& find_family(Config const& config) {
  auto const type = config.text("model_type", "");
  auto const known = families();
  auto const family =
      std::ranges::find(known, family_of(type), [](auto const& f) { return std::string_view(f.model_type); });
  if (family != known.end()) return *family;
  std::string names, hint;
  for (auto const& f : known) names += (names.empty() ? "" : ", ") + std::string(f.model_type);
  for (auto const& architecture : config.texts("architectures"))
    for (auto const& f : known)
      if (architecture == f.architecture)
        hint = fmt::format(
            "; by its architectures, {0}, it may be {1} under another name: if it is, set "
            "model_type to {1}",
            architecture, f.model_type);
  config.fail("model_type", "one of the known families: " + names + hint);
}

std::string dtype_of(Config const& config) {
  auto const name =
      config.text("dtype", config.text("torch_dtype", "float32", Null::as_absent), Null::as_absent);
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
  auto json = parse_python_json(read_small_file(path, 1 << 20), path.string());
  Config const config(path.string(), std::move(json));
  ModelPlan plan;
  auto const& family = find_family(config);
  plan.family = family.model_type;
  if (auto const act = config.text("hidden_act", "silu"); act != "silu") config.fail("hidden_act", "silu");
  plan.dtype = dtype_of(config);
  plan.vocabulary = config.integer("vocab_size", 1);
  plan.hidden = config.integer("hidden_size", 1);
  plan.positions = config.integer("max_position_embeddings", 0, 0);
  plan.tied_embeddings = config.boolean("tie_word_embeddings", false);
  plan.names.extras = {"*.rotary_emb.inv_freq"};  // a buffer that older files hold
  plan.quantisation = read_quantisation(config);
  family.plan(config, plan);
  if (plan.tied_embeddings)
    plan.names.extras.push_back(plan.names.head + ".weight");  // a copy of the embedding
  check(config, plan);
  return plan;
}

}  // namespace moerae
