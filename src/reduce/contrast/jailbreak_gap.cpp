#include <cmath>

#include "reduce/contrast/functions.hpp"

namespace moerae::contrast {

ContrastScore jailbreak_gap(Comparison const& groups) {
  constexpr double least = 0.05;
  auto out = risk_difference(groups);
  for (auto& score : out.score)
    if (std::abs(score) <= least) score = 0;
  return out;
}

}  // namespace moerae::contrast
