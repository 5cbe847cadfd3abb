#pragma once

#include <torch/types.h>

#include "moerae/model/packed_batch.hpp"
#include "moerae/model/plan.hpp"

namespace moerae {

/// Angular frequencies [dim / 2] (float32) for a sequence of `length` positions, and the factor on cos and
/// sin. Formulas: yarn arXiv 2309.00071, longrope 2402.13753, dynamic and linear as in transformers'
/// modeling_rope_utils, llama3 as published.
struct RopeFrequencies {
  torch::Tensor inverse;
  double factor = 1;
};
[[nodiscard]] RopeFrequencies rope_frequencies(RopeSpec const& spec, std::int64_t length);

/// Rotary embedding (Su et al. 2021, arXiv 2104.09864) of the first spec.dim dimensions of every head.
class Rope {
 public:
  /// Tables of cos and sin for the batch, computed in float32 and cast to `dtype`.
  Rope(RopeSpec const& spec, PackedBatch const& batch, torch::Dtype dtype);
  [[nodiscard]] RopeSpec const& spec() const { return spec_; }
  /// x: [T, heads, d]
  [[nodiscard]] torch::Tensor operator()(torch::Tensor const& x) const;

 private:
  RopeSpec spec_;
  torch::Tensor cos_, sin_;  // [T, 1, dim / 2]
};

}  // namespace moerae
