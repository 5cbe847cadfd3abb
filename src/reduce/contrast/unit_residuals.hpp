#pragma once

#include <cstdint>
#include <vector>

#include "reduce/contrast/unit_rows.hpp"

namespace moerae::detail {

/// Usage y of a unit and what of it is beyond the pooled rate: r = y - p0 n, p0 = sum y / sum n over both
/// groups, which no relabelling changes. Both are integers of at most 30 bits: y in the unit of the table
/// (counts), or in a power of two of it where it is larger (gate mass); r in units of 2^-30 of (the power of
/// two above) the expert's largest. N r is an integer, so that r is exactly 0 where y = p0 n. The tables must
/// outlive it.
class UnitResiduals {
 public:
  explicit UnitResiduals(UnitRows const& rows);

  [[nodiscard]] std::size_t units() const { return as_is_.size(); }
  [[nodiscard]] std::size_t experts() const { return usage_shift_.size(); }
  struct Side {
    UnitSide from;
    std::size_t row = 0;
  };
  [[nodiscard]] Side const& as_is(std::size_t unit) const { return as_is_[unit]; }
  [[nodiscard]] Side const& twin(std::size_t unit) const { return twin_[unit]; }
  /// Both are 0 where the side has no tokens.
  [[nodiscard]] std::int64_t usage(Side const& side, std::size_t expert) const;
  [[nodiscard]] std::int64_t residual(Side const& side, std::size_t expert) const {
    return side.from.tokens == 0 ? 0 : residuals_[side.row * experts() + expert];
  }
  /// Of `residual` in units of `usage`.
  [[nodiscard]] double residual_unit(std::size_t expert) const { return residual_unit_[expert]; }

 private:
  std::vector<Side> as_is_, twin_;
  std::vector<int> usage_shift_;
  std::vector<double> residual_unit_;
  std::vector<std::int32_t> residuals_;  ///< [rows, experts]
};

}  // namespace moerae::detail
