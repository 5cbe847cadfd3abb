#include "reduce/significance/true_discoveries.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "moerae/base/check.hpp"
#include "reduce/significance/sort_magnitudes.hpp"

namespace moerae {
namespace {

double normal_p(float magnitude) {
  return std::erfc(double{magnitude} / std::numbers::sqrt2);
}

}  // namespace

double template_pivot(std::span<float const> magnitudes, std::vector<float>& scratch) {
  auto const m = static_cast<double>(magnitudes.size());
  std::vector<float> sorted(magnitudes.begin(), magnitudes.end());
  detail::sort_magnitudes(sorted, scratch);
  double least = m + 1;
  for (std::size_t k = 1; k <= sorted.size();) {
    double const p = normal_p(sorted[sorted.size() - k]);
    least = std::min(least, m * p / static_cast<double>(k));
    if (least == 0) break;
    // later p are no smaller: below m p / least none of them can be less (a tiny least: nowhere)
    k = std::max(k + 1, static_cast<std::size_t>(std::min(m, m * p / least)));
  }
  return least;
}

double calibrated_lambda(std::vector<double> pivots, double confidence) {
  expect(!pivots.empty() && confidence > 0 && confidence < 1, "lambda of {} pivots at confidence {}",
         pivots.size(), confidence);
  // 1e-9: (1 - .95) 20 is to be 1
  auto const below =
      static_cast<std::ptrdiff_t>((1 - confidence) * static_cast<double>(pivots.size()) + 1e-9);
  std::ranges::nth_element(pivots, pivots.begin() + below);
  return pivots[static_cast<std::size_t>(below)];
}

std::size_t true_discoveries(double lambda, std::size_t experts, std::span<double const> t) {
  std::vector<double> p;
  p.reserve(t.size());
  for (auto const value : t) p.push_back(normal_p(static_cast<float>(std::abs(value))));
  std::ranges::sort(p);
  std::size_t most = 0, below = 0;
  for (std::size_t k = 1; k <= p.size(); ++k) {
    auto const threshold = lambda * static_cast<double>(k) / static_cast<double>(experts);
    while (below < p.size() && p[below] < threshold) ++below;
    if (below + 1 > k) most = std::max(most, below + 1 - k);
  }
  return most;
}

}  // namespace moerae
