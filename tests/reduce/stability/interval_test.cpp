#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "reduce/stability/exchangeable_tables.hpp"
#include "reduce/stability/usage_interval.hpp"

namespace moerae {
namespace {

using test::ExchangeableTables;
using test::made_table;
using test::message_of_code;
using testing::HasSubstr;

TEST(UsageIntervals, AreThoseOfTheSortedReplicates) {
  // clusters of different size: p* by hand from the same draws
  std::vector<std::vector<std::int64_t>> counts;
  std::vector<std::int64_t> tokens;
  for (std::int64_t c = 0; c < 15; ++c) {
    counts.push_back({c * c % 11 + 1, 0});
    tokens.push_back(17 + c * c * c % 23);
  }
  auto const table = made_table("s", {{0}, 2, 1}, counts, tokens);
  auto const found = UsageIntervals({}, 8).of(table);
  std::vector<double> p;
  for (std::int64_t r = 0; r < 1999; ++r) {
    auto const w = bootstrap_weights(8, Stream::usage_interval, r, table.clusters);
    std::int64_t used = 0, of = 0;
    for (std::size_t c = 0; c < 15; ++c) used += w[c] * counts[c][0], of += w[c] * tokens[c];
    p.push_back(static_cast<double>(used) / static_cast<double>(of));
  }
  std::ranges::sort(p);
  EXPECT_EQ(found.low[0], p[49]);
  EXPECT_EQ(found.high[0], p[1949]);
  EXPECT_LT(p[48], p[49]);  // no ties that would hide a rank
  EXPECT_LT(p[49], p[50]);
  EXPECT_EQ(found.low[1], 0);  // never used: an interval all the same
  EXPECT_EQ(found.high[1], 0);
}

TEST(UsageIntervals, WidthIsThatOfTheRatioEstimator) {
  ExpertSpace const space{{0}, 8, 1};
  auto const table = ExchangeableTables(4).table("s", space, 0, 200, 0);
  auto const p = activation_probability(totals(table));
  auto const found = UsageIntervals({}, 1).of(table);
  for (std::size_t e = 0; e < 8; ++e) {
    double squares = 0;  // linearised: sum of (a - p t)^2
    for (std::size_t c = 0; c < 200; ++c)
      squares += std::pow(
          static_cast<double>(table.count_of(c)[e]) - p[e] * static_cast<double>(table.tokens[c]), 2);
    double const error = std::sqrt(squares) / static_cast<double>(totals(table).tokens);
    EXPECT_NEAR(found.high[e] - found.low[e], 2 * 1.96 * error, .12 * 2 * 1.96 * error) << e;
    EXPECT_LT(found.low[e], p[e]);
    EXPECT_GT(found.high[e], p[e]);
  }
}

TEST(UsageIntervals, CoverTheTruth) {
  // every expert's expectation is that of the whole layer over K
  ExpertSpace const space{{0}, 10, 1};
  auto const long_run = totals(ExchangeableTables(99).table("s", space, 0, 20'000, 0));
  double mean = 0;
  for (auto const count : long_run.count) mean += static_cast<double>(count);
  double const truth = mean / 10 / static_cast<double>(long_run.tokens);
  int covered = 0;
  for (std::uint64_t run = 0; run < 100; ++run) {
    auto const found = UsageIntervals({}, run).of(ExchangeableTables(run).table("s", space, 0, 60, 0));
    for (std::size_t e = 0; e < 10; ++e) covered += found.low[e] <= truth && truth <= found.high[e] ? 1 : 0;
  }
  EXPECT_GE(covered, 915);  // of 1,000: .95 less what 60 clusters cost (.01) and 3 standard deviations
  EXPECT_LE(covered, 975);
}

TEST(UsageIntervals, RefusedWithoutClustersOrTokens) {
  auto const of = [](UsageTable const& table) {
    return message_of_code(ExitCode::bad_configuration, [&] { (void)UsageIntervals({}, 1).of(table); });
  };
  EXPECT_THAT(of(made_table("lonely", {{0}, 2, 1}, {{1, 2}}, {3})), HasSubstr("lonely"));
  EXPECT_THAT(of(made_table("empty", {{0}, 2, 1}, {{1, 2}, {0, 0}}, {3, 0})), HasSubstr("without tokens"));
}

}  // namespace
}  // namespace moerae
