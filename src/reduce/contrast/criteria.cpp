#include "moerae/reduce/contrast/criteria.hpp"

#include <algorithm>

namespace moerae {
namespace {

constexpr ContrastCriterion table[] = {
    {"risk_difference", "difference of the activation probabilities (SteerMoE)", contrast::risk_difference},
    {"log_odds", "log odds ratio of activation, corrected by one half", contrast::log_odds},
    {"gate_mass", "difference of the mean gate weight per token", contrast::gate_mass},
    {"js", "term of the Jensen-Shannon divergence of the layer, nats, signed", contrast::js},
};

}  // namespace

std::span<ContrastCriterion const> contrast_criteria() { return table; }

ContrastCriterion const* find_contrast(std::string_view name) {
  auto const* found = std::ranges::find(table, name, &ContrastCriterion::name);
  return found == std::end(table) ? nullptr : found;
}

std::string known_contrasts() {
  std::string names;
  for (auto const& row : table) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

}  // namespace moerae
