#include "moerae/model/schedule/there_and_back.hpp"

#include <torch/csrc/autograd/autograd.h>

#include "model/experts.hpp"
#include "model/layers.hpp"
#include "model/schedule/walk.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

using Tensors = std::vector<torch::Tensor>;

torch::Tensor leaf(torch::Tensor const& t) {
  return t.detach().requires_grad_(true);
}

// Gradients towards `at` of what has the gradients `given`; zeros where nothing leads there, as on a rank
// that got no row.
Tensors gradients(Tensors const& of, Tensors const& at, Tensors const& given) {
  Tensors with_graph, their;
  for (std::size_t i = 0; i < of.size(); ++i)
    if (of[i].requires_grad()) {
      with_graph.push_back(of[i]);
      their.push_back(given[i]);
    }
  Tensors out(at.size());
  if (!with_graph.empty())
    out = torch::autograd::grad(with_graph, at, their, /*retain_graph=*/std::nullopt, /*create_graph=*/false,
                                /*allow_unused=*/true);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!out[i].defined()) out[i] = torch::zeros_like(at[i]);
  return out;
}

}  // namespace

torch::Tensor ThereAndBack::up() {
  expect(pass_.cache == nullptr, "a pass with a cache has no gradient");
  torch::NoGradGuard const no_graph;
  auto h = start(model_, pass_);
  kept_.clear();
  for (std::int32_t i = 0; i < layers_of(model_); ++i) {
    if (i >= lowest_) kept_.push_back(h);
    h = through(h, layer_of(model_, i), model_.exchange, pass_);
  }
  kept_.push_back(h);
  return normalise(h, model_.weights.final_norm, model_.plan.norm);
}

void ThereAndBack::down(torch::Tensor const& gradient, GradientTap& tap) {
  expect(kept_.size() == model_.plan.layers.size() + 1 - static_cast<std::size_t>(lowest_), "down before up");
  torch::AutoGradMode const graphs(true);
  auto const last = leaf(kept_.back());
  auto g = gradients({normalise(last, model_.weights.final_norm, model_.plan.norm)}, {last}, {gradient})[0];
  for (auto i = layers_of(model_); i-- > lowest_;) g = below(i, g, tap);
}

// The gradient of what enters layer i, `gradient`: of what leaves it. Of the lowest layer nothing, as nothing
// below it is asked for.
torch::Tensor ThereAndBack::below(std::int32_t i, torch::Tensor const& gradient, GradientTap& tap) {
  auto const layer = layer_of(model_, i);
  auto const h = leaf(kept_[static_cast<std::size_t>(i - lowest_)]);
  auto const entered = enter(h, layer, pass_);
  if (!layer.spec().moe()) return gradients({leave(entered, {}, layer)}, {h}, {gradient})[0];

  auto const& decision = entered.decision;
  auto routes = model_.exchange.open(decision.experts);
  auto const x = leaf(routes.forth(entered.x)),
             gates = leaf(routes.forth(decision.weights.to(torch::kFloat32))),  // [R, ..]
      choices = routes.forth(decision.experts);
  auto const there = apply_experts(x, choices, gates, layer.moe());
  // what stands above the experts, cut off below
  Entered const cut{leaf(entered.h), leaf(entered.x), decision};
  auto const y = leaf(routes.back(there));
  auto const above = gradients({leave(cut, y, layer)}, {cut.h, cut.x, y}, {gradient});
  Tensors at{x, gates};
  auto const parameters = tap.parameters(layer.id);
  at.insert(at.end(), parameters.begin(), parameters.end());
  auto const at_owner = gradients({there}, at, {routes.forth(above[2])});
  auto const dx = routes.back(at_owner[0]), dgates = routes.back(at_owner[1]);
  routes.close();
  if (!parameters.empty())
    tap.on_parameters(layer.id, Tensors(at_owner.begin() + 2, at_owner.end()), choices);
  RoutingDecision const used{decision.logits.detach(), decision.experts, decision.weights.detach()};
  tap.on_gradient({layer.id, entered.x.detach(), used, above[2], dgates});
  if (i == lowest_) return {};
  Tensors of{entered.h, entered.x, decision.weights},
      given{above[0], above[1] + dx, dgates.to(decision.weights.scalar_type())};
  if (auto const dlogits = tap.logit_gradient(layer.id, used); dlogits.defined()) {
    of.push_back(decision.logits);
    given.push_back(dlogits);
  }
  return gradients(of, {h}, given)[0];
}

torch::Tensor expert_products(ResidentModel const& model, LayerId layer, torch::Tensor const& v,
                              torch::Tensor const& x, torch::Tensor const& experts) {
  torch::AutoGradMode const graphs(true);
  auto routes = model.exchange.open(experts);
  auto const rows = routes.forth(x), chosen = routes.forth(experts);
  auto const gates = torch::zeros(chosen.sizes(), torch::kFloat32).requires_grad_(true);
  auto const there = apply_experts(rows, chosen, gates, layer_of(model, layer.value).moe());
  auto const products = routes.back(gradients({there}, {gates}, {routes.forth(v)})[0]);
  routes.close();
  return products;
}

}  // namespace moerae
