#pragma once

#include <cstdint>
#include <vector>

#include "reduce/contrast/comparison.hpp"
#include "reduce/contrast/relabelling.hpp"

namespace moerae::detail {

/// What of a comparison a statistic looks at.
enum class Measure { count, mass, same_token };

/// One side of a unit: its tokens and its usage of every expert.
struct UnitSide {
  std::int64_t tokens = 0;
  std::int64_t const* usage = nullptr;  ///< [L*K], in units of the table; null where there are no tokens
};

/// Usage by unit of an Relabelling. Side `as_is` is counted to group a under label 1 and to group b under
/// label 0; a pair has a `twin`, which is counted to the other group. The tables must outlive it.
class UnitRows {
 public:
  UnitRows(Comparison const& groups, Relabelling const& exchange, Measure measure);

  [[nodiscard]] std::size_t units() const { return as_is_.size(); }
  [[nodiscard]] std::size_t experts() const { return experts_; }
  [[nodiscard]] UnitSide const& as_is(std::size_t unit) const { return as_is_[unit]; }
  [[nodiscard]] UnitSide const& twin(std::size_t unit) const { return twin_[unit]; }

 private:
  std::size_t experts_;
  std::vector<UnitSide> as_is_, twin_;
};

}  // namespace moerae::detail
