#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "reduce/contrast/comparison.hpp"

namespace moerae::contrast {

/// Additive term of one expert in the Jensen-Shannon divergence of its layer, in nats, >= 0: 1/2 [q_a
/// ln(q_a/m) + q_b ln(q_b/m)], m = (q_a + q_b)/2; q = its share of the selections of a group.
[[nodiscard]] inline double js_term(double q_a, double q_b) {
  double const m = (q_a + q_b) / 2;
  auto const relative = [m](double q) { return q > 0 ? q * std::log(q / m) : 0.0; };
  return std::max(0.0, (relative(q_a) + relative(q_b)) / 2);  // rounding can reach below 0
}

/// Jensen-Shannon divergence of two groups pooled over their clusters, with its bias. The plug-in estimate is
/// biased upwards: two samples of the same routing differ too, the more the fewer clusters and tokens there
/// are. `floor` is what it is on average when the groups do not differ: the mean over `js_relabellings`
/// relabellings of the same clusters (pairs swap their sides, other clusters change the group; no strata,
/// since this estimates a bias and tests nothing). Tokens of a cluster depend on each other, so that the
/// token counts alone would give too low a floor. Where nothing can move (one cluster on each side) floor and
/// plug-in are equal.
struct JsEstimate {
  std::vector<double> plugin, floor;  ///< [L*K] terms >= 0, nats
};
inline constexpr std::uint32_t js_relabellings = 200;

/// The same for (a, b) and (b, a). `seed` keys the relabellings. Not collective.
[[nodiscard]] JsEstimate js_estimate(Comparison const& groups, std::uint64_t seed = 0);

}  // namespace moerae::contrast
