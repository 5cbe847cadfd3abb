#pragma once

#include <torch/types.h>

#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

// The parts of a layer: pure, differentiable functions on packed rows. T tokens, H hidden.

/// Root mean square norm over the last axis, in float32 (Zhang & Sennrich 2019, arXiv 1910.07467); weight in
/// x's dtype.
[[nodiscard]] torch::Tensor rms_norm(torch::Tensor const& x, torch::Tensor const& weight, double eps);

/// The norm of the residual stream: RMSNorm or LayerNorm by `spec`. x [T, H].
[[nodiscard]] torch::Tensor normalise(torch::Tensor const& x, NormWeights const& weights,
                                      NormSpec const& spec);

/// Gated MLP; x [T, H] -> [T, H].
[[nodiscard]] torch::Tensor gated_mlp(torch::Tensor const& x, MlpWeights const& weights,
                                      ActivationSpec const& activation = {});

/// What the shared experts add; x [T, H] -> [T, H].
[[nodiscard]] torch::Tensor shared_experts(torch::Tensor const& x, MoeWeights const& weights);

}  // namespace moerae
