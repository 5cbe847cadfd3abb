#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reduce/contrast/comparison.hpp"
#include "reduce/contrast/relabelling.hpp"

namespace moerae::detail {

/// What of a comparison a statistic looks at.
enum class Measure { count, mass, same_token };

/// One side of a unit: its tokens and its usage of every expert.
struct UnitSide {
  std::int64_t tokens = 0;
  std::int64_t const* usage = nullptr;  ///< [L*K], in units of the table
};

/// Usage by unit of a Relabelling. Side `as_is` is counted to group a under label 1 and to group b under
/// label 0; a pair has a `twin`, which is counted to the other group. The tables must outlive it.
struct UnitRows {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t experts;
  std::vector<UnitSide> sides;           ///< all that have tokens
  std::vector<std::size_t> as_is, twin;  ///< [U] in `sides`, or none

  UnitRows(Comparison const& groups, Relabelling const& exchange, Measure measure);
  void keep_pairs();  ///< other units lose their side
  [[nodiscard]] std::size_t units() const { return as_is.size(); }
  [[nodiscard]] std::int64_t tokens(std::size_t side) const { return side == none ? 0 : sides[side].tokens; }
  /// Of group a under `labels` [U].
  [[nodiscard]] std::int64_t tokens_of_a(std::span<Label const> labels) const;
};

}  // namespace moerae::detail
