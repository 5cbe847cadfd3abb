#pragma once

#include <memory>

#include "reduce/contrast/contrast_statistic.hpp"

namespace moerae {

/// t = sum d / sqrt(sum d^2) over the clusters that stand in both groups, d = y_a / n_a - y_b / n_b the
/// difference of the cluster's rates per token (y activations, n tokens; every cluster counts the same).
/// Other clusters are left out. With squares about 0, what the null hypothesis says, instead of about the
/// mean, t is a monotone function of Student's t' = mean / (sd / sqrt(n)): t = t' sqrt(n / (n - 1 + t'^2));
/// it is largest, sqrt(n), where all d are equal. 0 where all are 0. Rates are rounded to 2^-30; sums are
/// integers. ConfigError where paired_t_obstacle says one.
[[nodiscard]] std::unique_ptr<Statistic> paired_t(Comparison const& groups, Relabelling const& exchange);
/// Fewer than 10 pairs with tokens on both sides.
[[nodiscard]] std::string paired_t_obstacle(UsageTable const& a, UsageTable const& b);

}  // namespace moerae
