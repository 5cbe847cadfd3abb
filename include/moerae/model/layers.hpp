#pragma once

#include <torch/types.h>

#include "moerae/model/packed_batch.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

// The parts of a layer: pure, differentiable functions on packed rows. T tokens, H hidden, d head_dim.

/// Root mean square norm over the last axis, in float32 (Zhang & Sennrich 2019, arXiv 1910.07467); weight in
/// x's dtype.
[[nodiscard]] torch::Tensor rms_norm(torch::Tensor const& x, torch::Tensor const& weight, double eps);

/// Rotary embedding (Su et al. 2021, arXiv 2104.09864) in the rotate-half layout of transformers.
class Rope {
 public:
  /// cos and sin of `positions` [T] in float32, cast to `dtype`: [T, 1, d].
  Rope(torch::Tensor const& positions, std::int64_t head_dim, double theta, torch::Dtype dtype);
  /// x: [T, heads, d]
  [[nodiscard]] torch::Tensor operator()(torch::Tensor const& x) const;

 private:
  torch::Tensor cos_, sin_;
};

/// Causal self-attention inside each sequence of the batch; x [T, H] -> [T, H].
[[nodiscard]] torch::Tensor attention(torch::Tensor const& x, AttentionWeights const& weights,
                                      AttentionSpec const& spec, double norm_eps, PackedBatch const& batch,
                                      Rope const& rope);

/// down(silu(gate(x)) * up(x)); x [T, H] -> [T, H].
[[nodiscard]] torch::Tensor gated_mlp(torch::Tensor const& x, MlpWeights const& weights);

}  // namespace moerae
