#include <algorithm>
#include <cmath>
#include <numeric>

#include "reduce/contrast/functions.hpp"

namespace moerae::contrast {
namespace {

constexpr double shift = 1;

// C(f) = 1/((f + shift)(100 - f)^2), f in [50/K, 100 - 50/K]: never divided by zero.
double cost(double f) {
  return 1 / ((f + shift) * (100 - f) * (100 - f));
}

// Mid-rank percentile of every expert within its layer: 100 (below + equal/2)/K, equal counts itself.
std::vector<double> percentiles(UsageTable const& table, std::vector<std::int64_t> const& count) {
  auto const experts = static_cast<std::size_t>(table.space.experts);
  std::vector<double> f(count.size());
  for (std::size_t layer = 0; layer < count.size(); layer += experts) {
    std::vector<std::int64_t> sorted(count.begin() + static_cast<std::ptrdiff_t>(layer),
                                     count.begin() + static_cast<std::ptrdiff_t>(layer + experts));
    std::ranges::sort(sorted);
    for (std::size_t e = layer; e < layer + experts; ++e) {
      auto const equal = std::ranges::equal_range(sorted, count[e]);
      auto const below = equal.begin() - sorted.begin(), above = equal.end() - sorted.begin();
      f[e] = 50 * static_cast<double>(below + above) / static_cast<double>(experts);
    }
  }
  return f;
}

}  // namespace

ContrastScore ot_cost(Comparison const& groups) {
  auto const f_a = percentiles(groups.a.clusters, groups.a.total.count);
  auto const f_b = percentiles(groups.b.clusters, groups.b.total.count);
  auto score = risk_difference(groups).score;
  for (std::size_t e = 0; e < score.size(); ++e) {
    auto const difference = std::abs(cost(f_a[e]) - cost(f_b[e]));
    score[e] = score[e] == 0 ? 0 : std::copysign(difference, score[e]);
  }
  return {std::move(score)};
}

}  // namespace moerae::contrast
