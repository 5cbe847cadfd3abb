#include "reduce/bounds/normal_null.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

double below(double x) {
  return std::erfc(-x / std::numbers::sqrt2) / 2;
}

double upper_quantile(double share) {
  double low = -10, high = 10;
  for (int step = 0; step < 60; ++step) {
    double const middle = (low + high) / 2;
    (below(-middle) > share ? low : high) = middle;
  }
  return (low + high) / 2;
}

// P(at least t) of a sum of n pairs that count 0, 1 or 2
double at_least(std::int64_t t, std::int64_t n, double one, double two) {
  std::vector<double> chance(static_cast<std::size_t>(2 * n) + 1, 0.0);
  chance[0] = 1;
  double const none = std::max(0.0, 1 - one - two);
  for (std::size_t top = 2; top < chance.size(); top += 2)
    for (std::size_t i = top + 1; i-- > 0;)
      chance[i] = chance[i] * none + (i >= 1 ? chance[i - 1] * one : 0) + (i >= 2 ? chance[i - 2] * two : 0);
  double sum = 0;
  for (auto i = static_cast<std::size_t>(t); i < chance.size(); ++i) sum += chance[i];
  return sum;
}

}  // namespace

double normal_null_tail(double theta, std::int64_t t, std::int64_t pairs) {
  expect(theta > 0 && theta < 1 && t >= 0 && t <= 2 * pairs, "theta {}, {} of {} pairs", theta, t, pairs);
  auto const n = std::min<std::int64_t>(pairs, 100);
  auto const needed = (t * n + pairs - 1) / pairs;
  double const quantile = std::numbers::sqrt2 * upper_quantile(theta);
  constexpr double step = .05, reach = 9;
  double sum = 0;
  for (double x = -reach; x <= reach; x += step) {
    double const half = below(x - quantile), both = std::max(0.0, below(x - quantile) - below(quantile - x));
    double const density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
    sum += density * step * at_least(needed, n, 2 * (half - both), both);
  }
  return sum;
}

}  // namespace moerae
