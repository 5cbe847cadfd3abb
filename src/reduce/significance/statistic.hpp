#pragma once

#include <cstdint>
#include <span>

namespace moerae {

/// What is exchanged between units when nothing is to be found: 0 or 1 for which of two groups, or an outcome
/// in whole numbers. |label| at most 16,383, as integer products take them.
using Label = std::int16_t;

/// A test statistic of some experts, prepared for many labellings of the same units: what no labelling
/// changes is computed once. 0 where there is no variance, never NaN.
class Statistic {
 public:
  virtual ~Statistic() = default;
  /// `labels` [B, U], `t` [B, experts] overwritten. The bits of a row do not depend on the other rows.
  virtual void evaluate(std::span<Label const> labels, std::span<double> t) const = 0;
};

}  // namespace moerae
