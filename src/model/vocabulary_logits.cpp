#include "moerae/model/vocabulary_logits.hpp"

#include "moerae/base/check.hpp"

namespace moerae {

torch::Tensor vocabulary_logits(torch::Tensor const& hidden, CommonWeights const& weights,
                                ModelPlan const& plan) {
  expect(weights.head.weight.defined(), "the output head was not read");
  auto const logits = linear(hidden, weights.head);
  return plan.logit_divisor == 1 ? logits : logits / plan.logit_divisor;
}

}  // namespace moerae
