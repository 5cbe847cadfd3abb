#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "reduce/bounds/stability_bound.hpp"

namespace moerae {

/// What the bound of a selection means, for a reader.
struct BoundStatement {
  StabilityBound unimodal;
  bool informative = false;  ///< the bound holds and is not vacuous
  std::string sentence;  ///< its value or why it does not hold, whether it is vacuous, what it does not say
};

/// `selected`: experts that reach the threshold; `score`: what their ranks are of, usage or a contrast;
/// `field`: where they compete, layer or model.
[[nodiscard]] BoundStatement bound_statement(BoundCase const& of, std::int64_t selected,
                                             std::string_view score, std::string_view field);

/// A bound says little where it does not even keep one expert from being chance (E[V] > 1), or where it is no
/// less than what was selected. Both numbers are printed either way.
[[nodiscard]] bool vacuous(double bound, std::int64_t selected);

}  // namespace moerae
