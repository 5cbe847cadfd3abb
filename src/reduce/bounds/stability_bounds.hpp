#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moerae/reduce/stability/stability.hpp"

namespace moerae {

/// Bounds on E[V], V = the number of selected experts whose chance of being in the top N of a random
/// half-sample is at most theta = q/p. p experts compete, q of them are in the top N of a half.
///   meinshausen_buhlmann  q^2 / ((2 tau - 1) p) (Meinshausen and Buhlmann 2010, theorem 1). For V = noise it
///                         needs noise experts to be exchangeable and a selection no worse than guessing; for
///                         V as above complementary pairs need neither (Shah and Samworth 2013, theorem 1)
///   unimodal              (q^2 / p) / um of complementary pairs, when the share of pairs in which both
///   halves
///                         select an expert is unimodal (Shah and Samworth 2013, theorem 2):
///                         um = 2 (2 tau - 1 - 1/(2B)) up to tau = .75, (1 + 1/B) / (4 (1 - tau + 1/(2B)))
///                         above
///   r_concave             p min(1, D(theta^2, ceil(2 B tau) - B, B, -1/2), D(theta, ceil(2 B tau), 2 B,
///   -1/4))
///                         of complementary pairs, r-concave distributions (Shah and Samworth 2013, equation
///                         8). Ranks of means over clusters are not r-concave at low thresholds: exchangeable
///                         experts exceed it up to 3.4 times at tau .6 [ours,
///                         tests/reduce/stability/null_test.cpp]. It is refused where the normal limit of
///                         such ranks (normal_null.hpp) exceeds it; the unimodal bound is not exceeded by
///                         that limit anywhere
/// They bound the instability of a selection under sampling, nothing else.
enum class BoundKind { meinshausen_buhlmann, unimodal, r_concave };

inline constexpr BoundKind bound_kinds[] = {BoundKind::meinshausen_buhlmann, BoundKind::unimodal,
                                            BoundKind::r_concave};
[[nodiscard]] std::string_view name_of(BoundKind kind);

/// A bound, or why there is none.
struct StabilityBound {
  BoundKind kind = BoundKind::unimodal;
  std::optional<double> value;  ///< of E[V]; may exceed q, never negative
  std::string reason;           ///< without a value: why it does not hold and what to do
};

/// What a bound depends on.
struct BoundCase {
  Resampling resampling = Resampling::complementary;
  double threshold = .9;       ///< tau; a share of replicates, so taken up to the next multiple of 1/S
  std::int64_t samples = 100;  ///< S replicates; B = S/2 pairs of complementary halves
  std::int64_t q = 0, p = 0;   ///< 1 <= q < p
};

/// The published formula alone, whether its conditions hold or not. 1 <= q < p, threshold above one half.
[[nodiscard]] double bound_formula(BoundKind kind, BoundCase const& of);

/// Never throws for what a study may ask: a bound that does not hold has a reason instead of a value.
[[nodiscard]] StabilityBound stability_bound(BoundKind kind, BoundCase const& of);

/// The largest q whose bound is at most `expected`; 0 where there is none, or where the bound does not hold
/// for any q. `of.q` is not read.
[[nodiscard]] std::int64_t largest_q(BoundKind kind, BoundCase of, double expected = 1);

/// q and p of a selection: its top N over the model, or N in each layer of L*K experts.
[[nodiscard]] BoundCase bound_case(Stability const& stability);

/// A bound says little where it does not even keep one expert from being chance (E[V] > 1), or where it is no
/// less than what was selected. Both numbers are printed either way.
[[nodiscard]] bool vacuous(double bound, std::int64_t selected);

/// What the bounds of a selection mean, for a reader: their values or why they do not hold, whether they are
/// vacuous, and what they do not say.
struct BoundStatement {
  std::int64_t q = 0, p = 0, selected = 0;
  std::vector<StabilityBound> bounds;  ///< as asked; unimodal and r-concave always
  bool informative = false;            ///< the unimodal bound holds and is not vacuous
  std::string sentence;
};
/// Meinshausen and Buhlmann's bound only on request: what it takes for granted about noise is the strongest.
[[nodiscard]] BoundStatement bound_statement(Stability const& stability, bool meinshausen_buhlmann = false);

}  // namespace moerae
