#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "reduce/contrast/unit_rows.hpp"
#include "reduce/resampling/integer_product.hpp"

namespace moerae::detail {

/// Experts whose sums are worked on at once: they stay in the second-level cache.
inline constexpr std::size_t expert_block = 4 * column_block;

/// Sums over group a of integers that every side of a unit has, under many labellings. They are linear in the
/// labels: the sum over the twins, plus label * (as it is - twin) of each unit.
class GroupSums {
 public:
  /// Writes the integers [L*K] of a side, which is one of `rows.sides`.
  using Values = std::function<void(std::size_t side, std::span<std::int64_t> out)>;
  GroupSums(UnitRows const& rows, Values const& values);

  /// Of experts first to first + n under each labelling: [R, n], overwritten. `first`: of a column_block.
  void operator()(PackedWeights const& labels, std::size_t first, std::size_t n,
                  std::vector<std::int64_t>& sums) const;
  [[nodiscard]] std::vector<std::int64_t> const& of_both() const { return both_; }  ///< [L*K] a and b

 private:
  std::vector<std::int64_t> both_, twins_;
  PackedColumns moved_;
};

}  // namespace moerae::detail
