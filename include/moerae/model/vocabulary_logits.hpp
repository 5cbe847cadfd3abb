#pragma once

#include <torch/types.h>

#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// Logits of the next token [T, V] for hidden states [T, H] behind the last norm, as the language models of
/// transformers give them: the output head, with its bias, divided by the plan's logit_divisor. The weights
/// must have been read with Head::keep. Pure and differentiable.
[[nodiscard]] torch::Tensor vocabulary_logits(torch::Tensor const& hidden, CommonWeights const& weights,
                                              ModelPlan const& plan);

}  // namespace moerae
