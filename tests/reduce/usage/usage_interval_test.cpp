#include "reduce/usage/usage_interval.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "reduce/resampling/replicates.hpp"
#include "reduce/stability/exchangeable_tables.hpp"

namespace moerae {
namespace {

using test::ExchangeableTables;
using test::made_table;

TEST(UsageInterval, ByHand) {
  // p = 6/20; residuals 2 - 3, 4 - 3; SE^2 = 2/1 * 2 / 400
  auto const found = usage_interval(made_table("s", {{0}, 3, 1}, {{2, 0, 10}, {4, 0, 10}}, {10, 10}));
  EXPECT_NEAR(found.low[0], .3 - 1.959963984540054 * .1, 1e-15);
  EXPECT_NEAR(found.high[0], .3 + 1.959963984540054 * .1, 1e-15);
  EXPECT_EQ(found.low[1], 0);  // never used: an interval all the same
  EXPECT_EQ(found.high[1], 0);
  EXPECT_EQ(found.low[2], 1);
  auto const wide = usage_interval(made_table("s", {{0}, 2, 1}, {{0, 9}, {5, 4}}, {9, 9}));
  EXPECT_EQ(wide.low[0], 0);  // within 0..1
  EXPECT_EQ(wide.high[1], 1);
}

TEST(UsageInterval, HasTheWidthOfTheBootstrap) {
  constexpr std::size_t clusters = 80, experts = 24, draws = 4000;
  ExpertSpace const space{{0, 2, 5}, 8, 1};
  auto table = ExchangeableTables(4).table("s", space, 0, clusters, 0);
  for (std::size_t c = 0; c < clusters; ++c) table.tokens[c] += static_cast<std::int64_t>(c * c * 37 % 5000);
  auto const found = usage_interval(table);
  std::vector<double> sum(experts, 0), squares(experts, 0);
  for (std::size_t r = 0; r < draws; ++r) {
    auto const w = replicate_weights(Resampling::bootstrap, 8, static_cast<std::int64_t>(r), table.clusters);
    std::int64_t tokens = 0;
    std::vector<std::int64_t> used(experts, 0);
    for (std::size_t c = 0; c < clusters; ++c) {
      tokens += w[c] * table.tokens[c];
      for (std::size_t e = 0; e < experts; ++e) used[e] += w[c] * table.count_of(c)[e];
    }
    for (std::size_t e = 0; e < experts; ++e) {
      double const p = static_cast<double>(used[e]) / static_cast<double>(tokens);
      sum[e] += p;
      squares[e] += p * p;
    }
  }
  for (std::size_t e = 0; e < experts; ++e) {
    double const mean = sum[e] / draws, error = std::sqrt(squares[e] / draws - mean * mean);
    double const ours = (found.high[e] - found.low[e]) / 2 / 1.959963984540054;
    // 1/sqrt(2 draws) = 1.1 % of Monte Carlo, three of them; 1/160 for C/(C - 1); the rest is curvature
    EXPECT_NEAR(ours / error, 1, .05) << e;
    EXPECT_NEAR((found.high[e] + found.low[e]) / 2, mean, .15 * error) << e;
  }
}

TEST(UsageInterval, CoversTheTruth) {
  // every expert's expectation is that of the whole layer over K
  ExpertSpace const space{{0}, 10, 1};
  auto const long_run = totals(ExchangeableTables(99).table("s", space, 0, 20'000, 0));
  double mean = 0;
  for (auto const count : long_run.count) mean += static_cast<double>(count);
  double const truth = mean / 10 / static_cast<double>(long_run.tokens);
  int covered = 0;
  for (std::uint64_t run = 0; run < 100; ++run) {
    auto const found = usage_interval(ExchangeableTables(run).table("s", space, 0, 60, 0));
    for (std::size_t e = 0; e < 10; ++e) covered += found.low[e] <= truth && truth <= found.high[e] ? 1 : 0;
  }
  EXPECT_GE(covered, 920);  // of 1,000: .95 less what 60 clusters cost (.008) and 3 standard deviations
  EXPECT_LE(covered, 975);
}

}  // namespace
}  // namespace moerae
