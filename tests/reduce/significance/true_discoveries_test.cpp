#include "reduce/significance/true_discoveries.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "reduce/significance/made_groups.hpp"

namespace moerae {
namespace {

double normal_p(float t) {
  return std::erfc(double{t} / std::sqrt(2.0));
}

double standard_normal(std::uint64_t seed, std::int64_t i) {
  return std::sqrt(-2 * std::log(1 - test::uniform(seed, i, 0))) *
         std::cos(6.283185307179586 * test::uniform(seed, i, 1));
}

std::vector<float> magnitudes(std::uint64_t seed, std::size_t n, double scale) {
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i)
    values.push_back(
        static_cast<float>(std::abs(scale * standard_normal(seed, static_cast<std::int64_t>(i)))));
  return values;
}

TEST(TrueDiscoveries, PivotIsTheMinimumOverAllRanks) {
  std::vector<float> scratch;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    auto const values = magnitudes(seed, 1 + 37 * seed, .3 + .05 * static_cast<double>(seed));
    auto sorted = values;
    std::ranges::sort(sorted, std::greater{});
    double expected = 1e300;
    for (std::size_t k = 1; k <= sorted.size(); ++k)
      expected = std::min(
          expected, static_cast<double>(sorted.size()) * normal_p(sorted[k - 1]) / static_cast<double>(k));
    EXPECT_EQ(template_pivot(values, scratch), expected) << seed;
  }
  EXPECT_EQ(template_pivot(std::vector<float>{0, 0}, scratch), 1);
  EXPECT_EQ(template_pivot(std::vector<float>{1, 1e9F}, scratch), 0);
}

TEST(TrueDiscoveries, AtMostFivePercentOfThePivotsAreBelowLambda) {
  std::vector<double> pivots;
  for (int i = 100; i > 0; --i) pivots.push_back(i / 100.0);
  EXPECT_EQ(calibrated_lambda(pivots, .95), .06);  // five are below
  pivots.pop_back();
  EXPECT_EQ(calibrated_lambda(pivots, .95), .06);  // 99: four, not 4.95
  EXPECT_EQ(calibrated_lambda({.5}, .95), .5);
}

TEST(TrueDiscoveries, CountedByHand) {
  // m = 10, lambda = 1: t_k = k / 10. p = .0027, .0455, .3173, 1: 1 below t_1 gives 2 + 1 - 1
  std::vector<double> const t{3, -2, 1, 0};
  EXPECT_EQ(true_discoveries(1, 10, t), 2);
  EXPECT_EQ(true_discoveries(.1, 10, t), 1);   // t_1 = .01
  EXPECT_EQ(true_discoveries(.01, 10, t), 0);  // t_1 = .001
  EXPECT_EQ(true_discoveries(0, 10, t), 0);
  EXPECT_EQ(true_discoveries(1, 10, std::vector<double>{}), 0);
  // a set is not worth less than its parts, and not more than its size
  EXPECT_EQ(true_discoveries(1, 10, std::vector<double>(4, 9)), 4);
}

TEST(TrueDiscoveries, BoundHoldsForTheWorstSetAsOftenAsPromised) {
  // 30 true effects of 100; lambda from 199 independent null pivots. The user takes the k largest, whichever
  // k flatters most.
  int wrong = 0, worlds = 400;
  std::vector<float> scratch;
  double found = 0;
  for (int world = 0; world < worlds; ++world) {
    auto const seed = static_cast<std::uint64_t>(1000 * (world + 1));
    std::vector<double> pivots;
    for (std::uint64_t r = 0; r < 199; ++r)
      pivots.push_back(template_pivot(magnitudes(seed + r, 100, 1), scratch));
    std::vector<std::pair<double, bool>> t;
    for (std::int64_t e = 0; e < 100; ++e)
      t.emplace_back(std::abs(standard_normal(seed + 500, e) + (e < 30 ? 4 : 0)), e < 30);
    std::ranges::sort(t, std::greater{});
    auto const lambda = calibrated_lambda(pivots, .95);
    std::vector<double> set;
    std::size_t truth = 0;
    bool failed = false;
    for (auto const& [value, real] : t) {
      set.push_back(value);
      truth += real ? 1 : 0;
      failed = failed || true_discoveries(lambda, 100, set) > truth;
    }
    wrong += failed ? 1 : 0;
    found += static_cast<double>(true_discoveries(lambda, 100, set)) / worlds;
  }
  EXPECT_LE(wrong, 20 + 13);  // 5 % of 400, and three standard errors
  EXPECT_GT(found, 20);       // of 30
}

}  // namespace
}  // namespace moerae
