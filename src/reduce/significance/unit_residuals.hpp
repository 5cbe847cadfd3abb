#pragma once

#include <cstdint>
#include <vector>

#include "unit_rows.hpp"

namespace moerae::detail {

/// Usage beyond the pooled rate: r = y - p0 n, p0 = sum y / sum n over both groups, which no relabelling
/// changes. In units of 2^-30 of (the power of two above) the expert's largest: a statistic that has no unit
/// does not see it. N r is an integer, so that r is exactly 0 where y = p0 n, and exact altogether where N r
/// has no more than 30 bits.
class UnitResiduals {
 public:
  explicit UnitResiduals(UnitRows const& rows);

  [[nodiscard]] std::size_t units() const { return as_is_.size(); }
  [[nodiscard]] std::size_t experts() const { return experts_; }
  struct Side {
    std::int64_t tokens = 0;
    std::size_t row = 0;
  };
  [[nodiscard]] Side const& as_is(std::size_t unit) const { return as_is_[unit]; }
  [[nodiscard]] Side const& twin(std::size_t unit) const { return twin_[unit]; }
  [[nodiscard]] std::int64_t of(Side const& side, std::size_t expert) const {
    return side.tokens == 0 ? 0 : values_[side.row * experts_ + expert];
  }

 private:
  std::size_t experts_;
  std::vector<Side> as_is_, twin_;
  std::vector<std::int32_t> values_;  ///< [rows, experts]
};

}  // namespace moerae::detail
