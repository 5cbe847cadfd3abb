#pragma once

#include <torch/types.h>

#include "moerae/model/weights.hpp"

namespace moerae {

/// Sum over the chosen experts that `weights` holds of gate weight times expert output; other choices are
/// passed over. A pair of products per expert over the rows that chose it, summed in float32 in ascending
/// order of the expert; differentiable. x [T, H]; experts [T, k] int64; gates [T, k] -> [T, H] in x's dtype.
/// `largest`: also the largest magnitude in the output of every choice, [T, k] float32, 0 of those passed
/// over.
[[nodiscard]] torch::Tensor apply_experts(torch::Tensor const& x, torch::Tensor const& experts,
                                          torch::Tensor const& gates, MoeWeights const& weights,
                                          torch::Tensor* largest = nullptr);

}  // namespace moerae
