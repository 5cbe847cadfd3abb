#include "reduce/replication/rank_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

// Ranks from 1
std::vector<double> mid_ranks(std::span<double const> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](auto i, auto j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (auto i = first; i < end; ++i) ranks[order[i]] = static_cast<double>(first + 1 + end) / 2;
  }
  return ranks;
}

}  // namespace

std::optional<double> spearman(std::span<double const> x, std::span<double const> y) {
  expect(x.size() == y.size() && !x.empty(), "correlation of {} with {} values", x.size(), y.size());
  auto const of_x = mid_ranks(x), of_y = mid_ranks(y);
  double const mean = (static_cast<double>(x.size()) + 1) / 2;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const dx = of_x[i] - mean, dy = of_y[i] - mean;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  if (xx == 0 || yy == 0) return std::nullopt;
  return std::clamp(xy / std::sqrt(xx) / std::sqrt(yy), -1.0, 1.0);
}

std::vector<std::size_t> top_of(std::span<double const> score, std::size_t n) {
  expect(n <= score.size(), "the top {} of {} experts", n, score.size());
  std::vector<std::size_t> order(score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto const end = order.begin() + static_cast<std::ptrdiff_t>(n);
  std::partial_sort(order.begin(), end, order.end(),
                    [&](auto i, auto j) { return score[i] != score[j] ? score[i] > score[j] : i < j; });
  order.resize(n);
  std::ranges::sort(order);
  return order;
}

std::optional<double> jaccard(std::span<std::size_t const> x, std::span<std::size_t const> y) {
  if (x.empty() && y.empty()) return std::nullopt;
  std::vector<std::size_t> both;
  std::ranges::set_intersection(x, y, std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(x.size() + y.size() - both.size());
}

}  // namespace moerae
