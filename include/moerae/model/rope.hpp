#pragma once

#include <torch/types.h>

#include <list>

#include "moerae/model/plan.hpp"
#include "moerae/model/rows.hpp"

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
///
/// Frequencies of `dynamic` and `longrope` depend on the length a sequence has reached with the rows of this
/// pass, past included; each row is rotated once, by the table of its own pass, and keys in a cache stay as
/// they were rotated, as in transformers (dynamic_rope_update). So a past and a step equal the whole at once
/// exactly where both passes take the same table: `longrope` on one side of original_positions, `dynamic` up
/// to original_positions.
class Rope {
 public:
  /// Tables of cos and sin for the rows, computed in float32 and cast to `dtype`.
  Rope(RopeSpec const& spec, Rows const& rows, torch::Dtype dtype);
  [[nodiscard]] RopeSpec const& spec() const { return spec_; }
  /// x: [T, heads, d]
  [[nodiscard]] torch::Tensor operator()(torch::Tensor const& x) const;

 private:
  RopeSpec spec_;
  torch::Tensor cos_, sin_;  // [T, 1, dim / 2]
};

/// The tables of one pass, made once for every spec that its layers have.
class RopeTables {
 public:
  [[nodiscard]] Rope const& of(RopeSpec const& spec, Rows const& rows, torch::Dtype dtype);

 private:
  std::list<Rope> made_;  // references into it stay valid
};

}  // namespace moerae
