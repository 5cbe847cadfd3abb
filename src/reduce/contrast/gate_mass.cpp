#include "reduce/contrast/functions.hpp"

namespace moerae::contrast {

ContrastScore gate_mass(Comparison const& groups) {
  auto const& a = groups.a;
  auto const& b = groups.b;
  auto const mean = [](UsageTotals const& total, std::size_t e) {
    return static_cast<double>(total.mass[e]) * mass_unit / static_cast<double>(total.tokens);
  };
  std::vector<double> score(a.total.mass.size());
  for (std::size_t e = 0; e < score.size(); ++e) score[e] = mean(a.total, e) - mean(b.total, e);
  return {std::move(score)};
}

}  // namespace moerae::contrast
