#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "moerae/reduce/contrast/comparison.hpp"
#include "moerae/reduce/significance/exchange.hpp"

namespace moerae {

/// A test statistic of every expert, prepared for many relabellings of the same clusters: what no relabelling
/// changes is computed once. Positive = more in group a; 0 where there is no variance, never NaN. Its value
/// at `Exchange::observed()` is the score of the criterion of the same name.
class Statistic {
 public:
  virtual ~Statistic() = default;
  /// `labels` [B, U] of Exchange, `t` [B, L*K] overwritten. The bits of a row do not depend on the other
  /// rows.
  virtual void evaluate(std::span<std::uint8_t const> labels, std::span<double> t) const = 0;
};

// NOTE OF THE LEAD to the author of the statistics (decided 13:33 after measurements; replaces the brief):
// residuals are taken about the POOLED rate p0 = (sum a1 + sum a2)/(sum n1 + sum n2), which no relabelling
// changes (score form, variance under H0), not about each group's own rate:  r_row = a_row - p0 n_row,  u_c =
// r_c1/N1 - r_c2/N2, T = (p1 - p2)/sqrt(sum_c u_c^2), no C/(C-1) factor. Why: with own rates an expert
// selected by EVERY prompt of a and NONE of b has zero variance and would get T = 0, last instead of first.
// With the pooled rate 0/0 happens only where the expert is constant over both groups: T = 0 there. It is
// also cheaper: r and r^2 are fixed under relabelling. Same for paired_t: t = sum d / sqrt(sum d^2)
// (uncentred), same reason; d fixed. The criterion over gate mass at template tokens (new row
// `template_gate`) is the best observational one: make `studentised` over mass exact enough (2^-16 units are
// fine). Delete this note when it is done.

/// What a statistic is made of. `exchange` must outlive it.
using MakeStatistic = std::unique_ptr<Statistic> (*)(Comparison const& groups, Exchange const& exchange);

}  // namespace moerae
