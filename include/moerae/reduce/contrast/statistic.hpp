#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "moerae/reduce/contrast/comparison.hpp"
#include "moerae/reduce/contrast/relabelling.hpp"

namespace moerae {

/// A test statistic of every expert, prepared for many relabellings of the same clusters: what no relabelling
/// changes is computed once. Positive = more in group a; 0 where there is no variance, never NaN. Its value
/// at `Relabelling::observed()` is the score of the criterion of the same name.
class Statistic {
 public:
  virtual ~Statistic() = default;
  /// `labels` [B, U] of Relabelling, `t` [B, L*K] overwritten. The bits of a row do not depend on the other
  /// rows.
  virtual void evaluate(std::span<std::uint8_t const> labels, std::span<double> t) const = 0;
};

/// What a statistic is made of. `exchange` must outlive it.
using MakeStatistic = std::unique_ptr<Statistic> (*)(Comparison const& groups, Relabelling const& exchange);

}  // namespace moerae
