#pragma once

#include <torch/types.h>

#include "model/rope.hpp"
#include "moerae/model/packed_batch.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// Causal self-attention inside each sequence of the batch; x [T, H] -> [T, H]. `rope` must have been made
/// for spec.rope and this batch; `norm_eps` is that of the q/k norms.
[[nodiscard]] torch::Tensor attention(torch::Tensor const& x, AttentionWeights const& weights,
                                      AttentionSpec const& spec, double norm_eps, PackedBatch const& batch,
                                      Rope const& rope);

}  // namespace moerae
