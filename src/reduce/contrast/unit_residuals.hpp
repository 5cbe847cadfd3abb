#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reduce/contrast/unit_rows.hpp"

namespace moerae::detail {

/// Usage y of a side and what of it is beyond the pooled rate: r = y - p0 n, p0 = sum y / sum n over both
/// groups, which no relabelling changes. Both are integers: y of at most 30 bits, in the unit of the table
/// (counts), or in a power of two of it where it is larger (gate mass); r with the upper 22 of 30 bits of
/// (the power of two above) the expert's largest: squares have three digits, and sums of them over
/// `most_units` clusters of both groups fit into 64 bits. N r is an integer, so that r is exactly 0 where y =
/// p0 n. `rows` and the tables must outlive it.
class UnitResiduals {
 public:
  explicit UnitResiduals(UnitRows const& rows);

  void usage(std::size_t side, std::span<std::int64_t> out) const;          ///< [L*K]
  [[nodiscard]] std::span<std::int32_t const> of(std::size_t side) const {  ///< r [L*K]
    return std::span(residuals_).subspan(side * rows_.experts, rows_.experts);
  }
  [[nodiscard]] std::vector<double> const& units() const { return units_; }  ///< [L*K] of r, in those of y

 private:
  UnitRows const& rows_;
  std::vector<int> usage_shift_;
  std::vector<double> units_;
  std::vector<std::int32_t> residuals_;  // [sides, experts]
};
inline constexpr std::size_t most_units = 250000;

}  // namespace moerae::detail
