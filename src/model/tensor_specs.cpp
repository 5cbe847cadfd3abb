#include "moerae/model/tensor_specs.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>

namespace moerae {
namespace {

using Kind = TensorSpec::Kind;

std::string of_expert(std::string name, ExpertId expert) {
  if (auto const at = name.find("{expert}"); at != std::string::npos)
    name.replace(at, 8, std::to_string(expert.value));
  return name;
}

// Collects the tensors of one layer, or of the model where there is no layer.
class Specs {
 public:
  explicit Specs(ModelPlan const& plan, std::string prefix = "") : plan_(plan), prefix_(std::move(prefix)) {}

  void parameter(std::string const& name, std::vector<std::int64_t> shape) {
    out_.push_back({prefix_ + name, std::move(shape)});
  }
  // A vector that the router adds to and no optimiser changes.
  void buffer(std::string const& name, std::vector<std::int64_t> shape) {
    parameter(name, std::move(shape));
    out_.back().parameters = 0;
  }
  void norm(std::string const& module) {
    parameter(module + ".weight", {plan_.hidden});
    if (plan_.norm.layer_norm) parameter(module + ".bias", {plan_.hidden});
  }
  void linear(std::string const& module, std::int64_t rows, std::int64_t columns, bool bias,
              std::optional<ExpertId> expert = {}) {
    out_.push_back({prefix_ + module + ".weight", {rows, columns}, Kind::linear, expert});
    if (bias) out_.push_back({prefix_ + module + ".bias", {rows}, Kind::floating, expert});
  }
  void all_experts(std::string const& name, std::vector<std::int64_t> shape) {
    out_.push_back({prefix_ + name, std::move(shape), Kind::floating, {}, true});
  }
  void all_packed(std::string const& name, std::int64_t experts, std::int64_t rows, std::int64_t columns) {
    auto const blocks = columns / mxfp4_block;
    out_.push_back(
        {prefix_ + name + "_blocks", {experts, rows, blocks, mxfp4_bytes}, Kind::packed, {}, true, 2});
    out_.push_back({prefix_ + name + "_scales", {experts, rows, blocks}, Kind::packed, {}, true, 0});
  }
  [[nodiscard]] std::vector<TensorSpec> take() { return std::move(out_); }

 private:
  ModelPlan const& plan_;
  std::string prefix_;
  std::vector<TensorSpec> out_;
};

void add_attention(ModelPlan const& plan, AttentionSpec const& a, Specs& specs) {
  auto const& n = plan.names;
  std::int64_t const q = a.heads * a.head_dim, kv = a.kv_heads * a.head_dim;
  if (auto const& latent = a.latent) {
    if (latent->q_rank > 0) {
      specs.linear(n.q_a, latent->q_rank, plan.hidden, a.bias);
      specs.parameter(n.q_a_norm, {latent->q_rank});
      specs.linear(n.q_b, q, latent->q_rank, false);
    } else {
      specs.linear(n.q, q, plan.hidden, false);
    }
    specs.linear(n.kv_a, latent->kv_rank + a.head_dim - latent->nope_dim, plan.hidden, a.bias);
    specs.parameter(n.kv_a_norm, {latent->kv_rank});
    specs.linear(n.kv_b, a.heads * (latent->nope_dim + a.value_dim), latent->kv_rank, false);
  } else {
    specs.linear(n.q, q, plan.hidden, a.bias);
    specs.linear(n.k, kv, plan.hidden, a.bias);
    specs.linear(n.v, a.kv_heads * a.value_dim, plan.hidden, a.bias);
  }
  specs.linear(n.o, plan.hidden, a.heads * a.value_dim, a.out_bias);
  if (a.qk_norm != QkNorm::none) {
    bool const per_head = a.qk_norm == QkNorm::per_head;
    specs.parameter(n.q_norm, {per_head ? a.head_dim : q});
    specs.parameter(n.k_norm, {per_head ? a.head_dim : kv});
  }
  if (a.sinks) specs.parameter(n.sinks, {a.heads});
}

void add_experts(ModelPlan const& plan, MoeSpec const& moe, Specs& specs) {
  auto const& n = plan.names;
  std::int64_t const count = moe.router.experts, inner = moe.intermediate, hidden = plan.hidden;
  switch (n.experts) {
    case ExpertLayout::separate:
      for (std::int32_t e = 0; e < count; ++e) {
        auto const named = [&](std::string const& name) { return of_expert(name, ExpertId(e)); };
        specs.linear(named(n.expert_gate), inner, hidden, moe.bias, ExpertId(e));
        specs.linear(named(n.expert_up), inner, hidden, moe.bias, ExpertId(e));
        specs.linear(named(n.expert_down), hidden, inner, moe.bias, ExpertId(e));
      }
      return;
    case ExpertLayout::fused:
      specs.all_experts(n.expert_gate_up, {count, 2 * inner, hidden});
      specs.all_experts(n.expert_down_all, {count, hidden, inner});
      return;
    case ExpertLayout::interleaved:
      specs.all_experts(n.expert_gate_up, {count, hidden, 2 * inner});
      specs.all_experts(n.expert_down_all, {count, inner, hidden});
      break;
    case ExpertLayout::mxfp4:
      specs.all_packed(n.expert_gate_up, count, 2 * inner, hidden);
      specs.all_packed(n.expert_down_all, count, hidden, inner);
      break;
  }
  if (!moe.bias) return;
  specs.all_experts(n.expert_gate_up + "_bias", {count, 2 * inner});
  specs.all_experts(n.expert_down_all + "_bias", {count, hidden});
}

void add_moe(ModelPlan const& plan, MoeSpec const& moe, Specs& specs) {
  auto const& n = plan.names;
  specs.parameter(n.router + ".weight", {moe.router.experts, plan.hidden});
  if (moe.router.bias) specs.parameter(n.router + ".bias", {moe.router.experts});
  if (moe.router.correction_bias) specs.buffer(n.correction_bias, {moe.router.experts});
  add_experts(plan, moe, specs);
  if (!moe.shared) return;
  specs.linear(n.shared_gate, moe.shared->intermediate, plan.hidden, false);
  specs.linear(n.shared_up, moe.shared->intermediate, plan.hidden, false);
  specs.linear(n.shared_down, plan.hidden, moe.shared->intermediate, false);
  if (moe.shared->gated) specs.parameter(n.shared_switch + ".weight", {1, plan.hidden});
}

}  // namespace

std::string layer_tensor(ModelPlan const& plan, LayerId layer, std::string const& name) {
  return plan.names.layer + std::to_string(layer.value) + "." + name;
}

std::string expert_tensor(ModelPlan const& plan, LayerId layer, std::string const& name, ExpertId expert) {
  return layer_tensor(plan, layer, of_expert(name, expert));
}

std::string module_of(std::string const& weight) {
  return weight.substr(0, weight.size() - std::string_view(".weight").size());
}

std::int64_t TensorSpec::elements() const {
  auto const first = shape.begin() + (per_expert ? 1 : 0);
  return std::accumulate(first, shape.end(), std::int64_t{1}, std::multiplies<>());
}

bool is_head(ModelPlan const& plan, TensorSpec const& spec) {
  return spec.name.starts_with(plan.names.head + ".");
}

std::vector<TensorSpec> common_specs(ModelPlan const& plan) {
  auto const& n = plan.names;
  Specs specs(plan);
  specs.parameter(n.embedding, {plan.vocabulary, plan.hidden});
  specs.norm(n.final_norm);
  if (!plan.tied_embeddings) specs.parameter(n.head + ".weight", {plan.vocabulary, plan.hidden});
  if (plan.head_bias) specs.parameter(n.head + ".bias", {plan.vocabulary});
  return specs.take();
}

std::vector<TensorSpec> layer_specs(ModelPlan const& plan, LayerId id) {
  auto const& n = plan.names;
  auto const& layer = plan.layers[static_cast<std::size_t>(id.value)];
  Specs specs(plan, layer_tensor(plan, id, ""));
  specs.norm(n.input_norm);
  specs.norm(n.post_norm);
  add_attention(plan, layer.attention, specs);
  if (auto const* moe = layer.moe()) {
    add_moe(plan, *moe, specs);
  } else {
    auto const inner = std::get<DenseSpec>(layer.feed_forward).intermediate;
    specs.linear(n.dense_gate, inner, plan.hidden, false);
    specs.linear(n.dense_up, inner, plan.hidden, false);
    specs.linear(n.dense_down, plan.hidden, inner, false);
  }
  return specs.take();
}

std::vector<TensorSpec> tensor_specs(ModelPlan const& plan) {
  auto out = common_specs(plan);
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    auto specs = layer_specs(plan, LayerId(static_cast<std::int32_t>(i)));
    std::ranges::move(specs, std::back_inserter(out));
  }
  return out;
}

}  // namespace moerae
