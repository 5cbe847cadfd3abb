#pragma once

#include <torch/types.h>

#include <vector>

#include "moerae/model/router.hpp"

namespace moerae::test {

/// A router policy of some family, for 8 experts.
struct Rule {
  char const* name;
  RouterSpec spec;
};

inline RouterSpec rule(RouterSpec::Score score, RouterSpec::Weight weight, bool renormalise, bool bias,
                       std::int64_t groups) {
  RouterSpec spec;
  spec.experts = 8;
  spec.top_k = weight == RouterSpec::Weight::sparse_mixer ? 2 : 3;
  spec.score = score;
  spec.weight = weight;
  spec.renormalise = renormalise;
  spec.correction_bias = bias;
  spec.groups = groups;
  spec.top_groups = groups > 1 ? groups - 1 : 1;
  spec.group_score =
      score == RouterSpec::Score::sigmoid ? RouterSpec::GroupScore::sum_of_two : RouterSpec::GroupScore::best;
  spec.float32_logits = groups > 1;
  spec.scale = groups > 1 ? 2.5 : 1;
  return spec;
}

/// Every way in which the families score, group and weigh.
inline std::vector<Rule> router_rules() {
  using Score = RouterSpec::Score;
  using Weight = RouterSpec::Weight;
  return {{"softmax", rule(Score::softmax, Weight::score, false, false, 1)},
          {"softmax_renormalised", rule(Score::softmax, Weight::score, true, false, 1)},
          {"softmax_groups", rule(Score::softmax, Weight::score, false, false, 2)},
          {"softmax_of_chosen", rule(Score::logits, Weight::softmax_of_chosen, false, false, 1)},
          {"sparse_mixer", rule(Score::logits, Weight::sparse_mixer, false, false, 1)},
          {"sigmoid_bias", rule(Score::sigmoid, Weight::score, true, true, 1)},
          {"sigmoid_bias_groups", rule(Score::sigmoid, Weight::score, true, true, 2)},
          {"sigmoid_bias_small_groups", rule(Score::sigmoid, Weight::score, true, true, 4)}};
}

/// A table [C, K] with these experts of each condition set.
inline torch::Tensor experts_table(std::vector<std::vector<std::int64_t>> const& conditions,
                                   std::int64_t experts) {
  auto out = torch::zeros({static_cast<std::int64_t>(conditions.size()), experts}, torch::kBool);
  for (std::size_t c = 0; c < conditions.size(); ++c)
    for (auto const e : conditions[c]) out[static_cast<std::int64_t>(c)][e] = true;
  return out;
}

}  // namespace moerae::test
