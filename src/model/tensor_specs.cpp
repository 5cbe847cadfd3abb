#include <functional>
#include <numeric>

#include "moerae/model/plan.hpp"

namespace moerae {
namespace {

using Shape = std::vector<std::int64_t>;

void add_attention(ModelPlan const& plan, LayerId layer, AttentionSpec const& a,
                   std::vector<TensorSpec>& out) {
  auto const& n = plan.names;
  std::int64_t const q = a.heads * a.head_dim, kv = a.kv_heads * a.head_dim;
  struct Projection {
    std::string const& name;
    std::int64_t rows, columns;
  };
  for (auto const& [name, rows, columns] : {Projection{n.q, q, plan.hidden},
                                            {n.k, kv, plan.hidden},
                                            {n.v, kv, plan.hidden},
                                            {n.o, plan.hidden, q}}) {
    out.push_back({layer_tensor(plan, layer, name + ".weight"), {rows, columns}, {}});
    if (a.bias) out.push_back({layer_tensor(plan, layer, name + ".bias"), {rows}, {}});
  }
  if (a.qk_norm == QkNorm::none) return;
  bool const per_head = a.qk_norm == QkNorm::per_head;
  out.push_back({layer_tensor(plan, layer, n.q_norm), {per_head ? a.head_dim : q}, {}});
  out.push_back({layer_tensor(plan, layer, n.k_norm), {per_head ? a.head_dim : kv}, {}});
}

void add_moe(ModelPlan const& plan, LayerId layer, MoeSpec const& moe, std::vector<TensorSpec>& out) {
  auto const& n = plan.names;
  out.push_back({layer_tensor(plan, layer, n.router), {moe.router.experts, plan.hidden}, {}});
  for (std::int32_t e = 0; e < moe.router.experts; ++e) {
    out.push_back({expert_tensor(plan, layer, n.expert_gate, ExpertId(e)),
                   {moe.intermediate, plan.hidden},
                   ExpertId(e)});
    out.push_back(
        {expert_tensor(plan, layer, n.expert_up, ExpertId(e)), {moe.intermediate, plan.hidden}, ExpertId(e)});
    out.push_back({expert_tensor(plan, layer, n.expert_down, ExpertId(e)),
                   {plan.hidden, moe.intermediate},
                   ExpertId(e)});
  }
}

}  // namespace

std::string layer_tensor(ModelPlan const& plan, LayerId layer, std::string const& name) {
  return plan.names.layer + std::to_string(layer.value) + "." + name;
}

std::string expert_tensor(ModelPlan const& plan, LayerId layer, std::string const& name, ExpertId expert) {
  std::string text = name;
  if (auto const at = text.find("{expert}"); at != std::string::npos)
    text.replace(at, 8, std::to_string(expert.value));
  return layer_tensor(plan, layer, text);
}

std::vector<TensorSpec> tensor_specs(ModelPlan const& plan) {
  auto const& n = plan.names;
  std::vector<TensorSpec> out;
  out.push_back({n.embedding, {plan.vocabulary, plan.hidden}, {}});
  out.push_back({n.final_norm, {plan.hidden}, {}});
  if (!plan.tied_embeddings) out.push_back({n.head, {plan.vocabulary, plan.hidden}, {}});
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    LayerId const layer(static_cast<std::int32_t>(i));
    auto const& spec = plan.layers[i];
    out.push_back({layer_tensor(plan, layer, n.input_norm), {plan.hidden}, {}});
    out.push_back({layer_tensor(plan, layer, n.post_norm), {plan.hidden}, {}});
    add_attention(plan, layer, spec.attention, out);
    if (auto const* moe = spec.moe()) {
      add_moe(plan, layer, *moe, out);
    } else {
      auto const intermediate = std::get<DenseSpec>(spec.feed_forward).intermediate;
      out.push_back({layer_tensor(plan, layer, n.dense_gate), {intermediate, plan.hidden}, {}});
      out.push_back({layer_tensor(plan, layer, n.dense_up), {intermediate, plan.hidden}, {}});
      out.push_back({layer_tensor(plan, layer, n.dense_down), {plan.hidden, intermediate}, {}});
    }
  }
  return out;
}

ParameterCount count_parameters(ModelPlan const& plan) {
  auto const size = [](Shape const& s) {
    return std::accumulate(s.begin(), s.end(), std::int64_t{1}, std::multiplies<>());
  };
  auto const router = plan.router();
  ParameterCount out;
  for (auto const& spec : tensor_specs(plan)) {
    out.total += size(spec.shape);
    // of the routed experts a token passes through the first top-k as through any other: all have one shape
    if (!spec.expert || spec.expert->value < router.top_k) out.active += size(spec.shape);
  }
  return out;
}

}  // namespace moerae
