#include "moerae/reduce/contrast/criteria.hpp"

#include <algorithm>

#include "reduce/contrast/paired_t.hpp"
#include "reduce/contrast/studentised.hpp"
#include "reduce/contrast/within_topic.hpp"

namespace moerae::contrast {
namespace {

constexpr ContrastNeeds nothing{}, pairs{.pairs = true}, topics{.topics = true},
    same_token{.same_token = true};

// The score of a criterion that is a statistic: its value at the labels as they are.
template <MakeStatistic make>
std::vector<double> observed(Comparison const& groups) {
  return observed_statistic(make, groups);
}

constexpr ContrastCriterion table[] = {
    {"template_gate", "studentised gate weight at template tokens: the same words in another context",
     nothing, observed<studentised_mass>, studentised_mass, "template"},
    {"risk_difference", "difference of the activation probabilities (SteerMoE)", nothing, risk_difference,
     studentised},
    {"log_odds", "log odds ratio of activation, corrected by one half", nothing, log_odds, studentised},
    {"gate_mass", "difference of the mean gate weight per token", nothing, gate_mass, studentised_mass},
    {"js", "term of the Jensen-Shannon divergence of the layer, nats, signed", nothing, js, studentised, "",
     js_divergence},
    {"js_debiased", "js less what relabelled clusters give on average", nothing, js_debiased, studentised, "",
     js_debiased_divergence},
    {"ot_cost", "difference of the transport cost of the usage percentile (after MESA)", nothing, ot_cost,
     studentised},
    {"studentised", "difference of the activation probabilities over its error, clusters as the unit",
     nothing, observed<studentised>, studentised},
    {"paired_t", "t of the differences of the rates within cluster pairs", pairs, observed<paired_t>,
     paired_t},
    {"within_topic", "t of the group in a regression on group, topics and log length", topics,
     observed<within_topic>, within_topic},
    {"cmh_token", "studentised difference at the same token ids (Cochran-Mantel-Haenszel)", same_token,
     observed<studentised_same_token>, studentised_same_token, "prefill"},
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
