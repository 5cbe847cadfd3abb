#include "reduce/contrast/functions.hpp"

namespace moerae::contrast {

ContrastScore risk_difference(Comparison const& groups) {
  auto const& a = groups.a;
  auto const& b = groups.b;
  auto score = activation_probability(a.total);
  auto const other = activation_probability(b.total);
  for (std::size_t e = 0; e < score.size(); ++e) score[e] -= other[e];
  return {std::move(score)};
}

}  // namespace moerae::contrast
