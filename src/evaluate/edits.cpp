#include "moerae/evaluate/edits.hpp"

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

torch::Tensor& table_of(RouterEdit& edit, Action action) {
  switch (action) {
    case Action::mask:
      return edit.masked;
    case Action::raise:
      return edit.raised;
    case Action::lower:
      return edit.lowered;
    case Action::force:
      return edit.forced;
    case Action::scale:
      return edit.scale;
    case Action::none:
      break;
  }
  throw std::logic_error("a condition that does nothing has no experts");
}

void enter(RouterEdit& edit, Condition const& condition, std::int64_t row, std::int64_t rows, ExpertId expert,
           std::int64_t experts) {
  bool const scales = condition.spec.action == Action::scale;
  auto& table = table_of(edit, condition.spec.action);
  if (!table.defined())
    table = scales ? torch::ones({rows, experts}) : torch::zeros({rows, experts}, torch::kBool);
  table.index_put_({row, std::int64_t{expert.value}}, scales ? condition.spec.factor : 1.0);
}

void check(std::span<Condition const> conditions, ModelPlan const& plan,
           std::vector<RouterEdit> const& edits) {
  std::string faults;
  for (auto const layer : plan.moe_layers()) {
    auto const i = static_cast<std::size_t>(layer.value);
    for (auto const& fault : faults_of(edits[i], plan.layers[i].moe()->router)) {
      auto const& condition =
          conditions[static_cast<std::size_t>(std::max<std::int64_t>(fault.condition, 1) - 1)];
      faults += fmt::format("\n  {}, layer {}: {}", condition.slug(), layer.value, fault.text);
    }
  }
  validate<ConfigError>(faults.empty(), "conditions that this model's routers can not follow:{}", faults);
}

}  // namespace

std::vector<RouterEdit> edits_of(std::span<Condition const> conditions, ModelPlan const& plan) {
  std::vector<RouterEdit> edits(plan.layers.size());
  auto const rows = static_cast<std::int64_t>(conditions.size()) + 1;
  for (std::size_t c = 0; c < conditions.size(); ++c)
    for (auto const& [layer, expert] : conditions[c].experts) {
      auto const i = static_cast<std::size_t>(layer.value);
      auto const* moe = layer.value >= 0 && i < plan.layers.size() ? plan.layers[i].moe() : nullptr;
      validate<ConfigError>(
          moe && expert.value >= 0 && expert.value < moe->router.experts,
          "{}: the model has no expert {} in layer {}; the set {} was made on another model",
          conditions[c].spec.text(), expert.value, layer.value, conditions[c].spec.set);
      enter(edits[i], conditions[c], static_cast<std::int64_t>(c) + 1, rows, expert, moe->router.experts);
    }
  check(conditions, plan, edits);
  return edits;
}

}  // namespace moerae
