#include "reduce/usage/usage_interval.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"

namespace moerae {

UsageInterval usage_interval(UsageTable const& table) {
  constexpr double z = 1.959963984540054;  // 97.5 % of the normal distribution
  auto const clusters = table.clusters.size(), experts = table.space.size();
  auto const total = totals(table);
  expect(clusters >= 2 && total.tokens > 0, "{}: {} clusters, {} tokens have no interval", table.name,
         clusters, total.tokens);
  auto const p = activation_probability(total);
  std::vector<double> squares(experts, 0.0);
  for (std::size_t c = 0; c < clusters; ++c) {
    auto const count = table.count_of(c);
    auto const tokens = static_cast<double>(table.tokens[c]);
    for (std::size_t e = 0; e < experts; ++e) {
      double const rest = static_cast<double>(count[e]) - p[e] * tokens;
      squares[e] += rest * rest;
    }
  }
  auto const n = static_cast<double>(clusters);
  UsageInterval out{p, p};
  for (std::size_t e = 0; e < experts; ++e) {
    double const reach = z * std::sqrt(n / (n - 1) * squares[e]) / static_cast<double>(total.tokens);
    out.low[e] = std::max(0.0, p[e] - reach);
    out.high[e] = std::min(1.0, p[e] + reach);
  }
  return out;
}

}  // namespace moerae
