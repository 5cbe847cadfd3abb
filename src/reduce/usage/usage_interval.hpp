#pragma once

#include <vector>

#include "reduce/usage/usage_table.hpp"

namespace moerae {

/// 95 % intervals of activation probabilities.
struct UsageInterval {
  std::vector<double> low, high;  ///< [L*K] of the table, in 0..1
};

/// p -+ 1.96 SE of the ratio estimator p = sum a_c / T over C clusters with a_c activations in t_c tokens,
/// T = sum t_c, linearised: SE^2 = C/(C - 1) sum (a_c - p t_c)^2 / T^2 (Cochran 1977, chapter 6, without the
/// correction for a finite population). The same for any tiles. With few clusters it covers a little less
/// than 95 %. At least 2 clusters, T > 0.
[[nodiscard]] UsageInterval usage_interval(UsageTable const& table);

}  // namespace moerae
