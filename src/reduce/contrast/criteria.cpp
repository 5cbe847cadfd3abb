#include "reduce/contrast/criteria.hpp"

#include <algorithm>

#include "reduce/contrast/functions.hpp"
#include "reduce/contrast/paired_t.hpp"
#include "reduce/contrast/studentised.hpp"
#include "reduce/contrast/within_topic.hpp"

namespace moerae::contrast {
namespace {

constexpr ContrastTest of_activations{"studentised activations", studentised},
    of_gate_weight{"studentised gate weight", studentised_mass},
    of_same_tokens{"studentised activations at the same tokens", studentised_same_token},
    of_drops{"studentised drop of the refusal margin", studentised_mass},
    of_pairs{"paired t", paired_t, true, paired_t_obstacle},
    of_topics{"t within topics", within_topic, false, within_topic_obstacle};

// The score of a criterion that is a statistic: its value at the labels as they are.
template <ContrastTest const& test>
ContrastScore observed(Comparison const& groups) {
  return {observed_statistic(test.make, groups)};
}

constexpr ContrastCriterion table[] = {
    {"template_gate", "studentised gate weight at template tokens: the same words in another context",
     observed<of_gate_weight>, &of_gate_weight, "template"},
    {"risk_difference", "difference of the activation probabilities (SteerMoE)", risk_difference,
     &of_activations},
    {"jailbreak_gap",
     "the same where it is beyond .05; of jailbreaks that succeeded, SET@complied, against a safe set (RASA)",
     jailbreak_gap, &of_activations},
    {"log_odds", "log odds ratio of activation, corrected by one half", log_odds, &of_activations},
    {"gate_mass", "difference of the mean gate weight per token", gate_mass, &of_gate_weight},
    {"js", "signed term of the layer's Jensen-Shannon divergence, less what relabelled clusters give", js,
     &of_activations},
    {"ot_cost", "difference of the transport cost of the usage percentile (after MESA)", ot_cost,
     &of_activations},
    {"studentised", "difference of the activation probabilities over its error, clusters as the unit",
     observed<of_activations>, &of_activations},
    {"paired_t", "t of the differences of the rates within cluster pairs", observed<of_pairs>, &of_pairs},
    {"within_topic", "t of the group in a regression on group, topics and log length", observed<of_topics>,
     &of_topics},
    {"cmh_token", "studentised difference at the same token ids (Cochran-Mantel-Haenszel)",
     observed<of_same_tokens>, &of_same_tokens, "prefill", true},
    // causal: the mass of a prompt is what `attribute` found for it
    {"mask_attribution",
     "what masking the expert takes off the refusal margin, nats a prompt, linear downstream", gate_mass,
     &of_drops, "mask_attribution"},
    {"single_mask", "the same measured with every expert masked by itself", gate_mass, &of_drops,
     "single_mask"},
    {"random_mask", "the same in a randomised experiment, other experts masked at random", gate_mass,
     &of_drops, "random_mask"},
};

}  // namespace

std::span<ContrastCriterion const> criteria() {
  return table;
}

ContrastCriterion const* find(std::string_view name) {
  auto const* found = std::ranges::find(table, name, &ContrastCriterion::name);
  return found == std::end(table) ? nullptr : found;
}

}  // namespace moerae::contrast
