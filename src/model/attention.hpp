#pragma once

#include <torch/types.h>

#include "moerae/model/cache.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/rope.hpp"
#include "moerae/model/rows.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// Causal self-attention inside each sequence of the rows; x [T, H] -> [T, H]. `rope` must have been made
/// for spec.rope and these rows; `norm_eps` is that of the q/k norms.
/// `cache`: what this layer keeps; rows of a sequence with a slot are added to it and see its past. Null: no
/// sequence has a past.
[[nodiscard]] torch::Tensor attention(torch::Tensor const& x, AttentionWeights const& weights,
                                      AttentionSpec const& spec, double norm_eps, Rows const& rows,
                                      Rope const& rope, LayerCache* cache = nullptr);

}  // namespace moerae
