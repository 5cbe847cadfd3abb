#include "moerae/reduce/contrast/criteria.hpp"

namespace moerae::contrast {

std::vector<double> risk_difference(Comparison const& groups) {
  auto const& a = groups.a;
  auto const& b = groups.b;
  auto score = activation_probability(a.total);
  auto const other = activation_probability(b.total);
  for (std::size_t e = 0; e < score.size(); ++e) score[e] -= other[e];
  return score;
}

}  // namespace moerae::contrast
