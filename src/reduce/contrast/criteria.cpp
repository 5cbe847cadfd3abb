#include "moerae/reduce/contrast/criteria.hpp"

#include <algorithm>

namespace moerae::contrast {
namespace {

constexpr ContrastCriterion table[] = {
    {"risk_difference", "difference of the activation probabilities (SteerMoE)", risk_difference},
    {"log_odds", "log odds ratio of activation, corrected by one half", log_odds},
    {"gate_mass", "difference of the mean gate weight per token", gate_mass},
    {"js", "term of the Jensen-Shannon divergence of the layer, nats, signed", js},
};

}  // namespace

std::span<ContrastCriterion const> criteria() {
  return table;
}

ContrastCriterion const* find(std::string_view name) {
  auto const* found = std::ranges::find(table, name, &ContrastCriterion::name);
  return found == std::end(table) ? nullptr : found;
}

std::string known() {
  std::string names;
  for (auto const& row : table) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

}  // namespace moerae::contrast
