#pragma once

#include <torch/types.h>

#include "moerae/model/weights.hpp"

namespace moerae {

/// What the experts that `weights` holds give for the rows that chose them, a pair of products per expert in
/// ascending order of the expert. T rows of k choices, n of them here.
struct ChosenOutputs {
  torch::Tensor rows;      // [n, H] in x's dtype; undefined where n = 0
  torch::Tensor position;  // [T, k] int64, in `rows`; -1: the choice is another rank's
};
/// x [T, H]; experts [T, k] int64. Differentiable in x and the weights.
[[nodiscard]] ChosenOutputs chosen_outputs(torch::Tensor const& x, torch::Tensor const& experts,
                                           MoeWeights const& weights);

/// Sum over the chosen experts that `weights` holds of gate weight times expert output, in float32 in
/// ascending order of the expert; other choices are passed over. Differentiable. gates [T, k] -> [T, H] in
/// x's dtype.
[[nodiscard]] torch::Tensor apply_experts(torch::Tensor const& x, torch::Tensor const& experts,
                                          torch::Tensor const& gates, MoeWeights const& weights);

/// The largest magnitude in the output of every choice [T, k] float32; 0 where it is another rank's.
[[nodiscard]] torch::Tensor largest_of(ChosenOutputs const& outputs);

}  // namespace moerae
