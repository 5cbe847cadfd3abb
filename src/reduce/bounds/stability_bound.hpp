#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "reduce/resampling/resample.hpp"

namespace moerae {

/// What a bound on a stability selection depends on. Numbers alone: stored with every selection, they give
/// other bounds, too (R's package stabs: Meinshausen and Buhlmann, r-concave).
struct BoundCase {
  Resampling resampling = Resampling::complementary;
  double threshold = .9;       ///< tau; a share of replicates, so taken up to the next multiple of 1/S
  std::int64_t samples = 100;  ///< S replicates; B = S/2 pairs of complementary halves
  std::int64_t q = 0, p = 0;   ///< p experts compete, q of them are in the top N of a half; 1 <= q < p
};

/// A bound, or why there is none.
struct StabilityBound {
  std::optional<double> value;  ///< of E[V]; may exceed q, never negative
  std::string reason;           ///< without a value: why it does not hold and what to do
};

/// Bound on E[V], V = the number of selected experts whose chance of being in the top N of a random
/// half-sample is at most theta = q/p, for complementary pairs when the share of pairs in which both halves
/// select an expert is unimodal (Shah and Samworth 2013, theorem 2): (q^2 / p) / um,
///   um = 2 (2 tau - 1 - 1/(2B)) up to tau = .75, (1 + 1/B) / (4 (1 - tau + 1/(2B))) above.
/// It bounds the instability of a selection under sampling, nothing else. Never throws for what a study may
/// ask: a bound that does not hold has a reason instead of a value.
[[nodiscard]] StabilityBound unimodal_bound(BoundCase const& of);

/// The largest q whose bound is at most `expected`; 0 where there is none, or where the bound does not hold
/// for any q. `of.q` is not read.
[[nodiscard]] std::int64_t largest_q(BoundCase of, double expected = 1);

}  // namespace moerae
