#include "reduce/contrast/criteria.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "moerae/base/random.hpp"
#include "reduce/contrast/functions.hpp"
#include "reduce/contrast/js.hpp"
#include "reduce/contrast/studentised.hpp"
#include "reduce/made_run.hpp"

namespace moerae {
namespace {

using test::made_table;

// One layer of `experts` experts of which the last takes what the others leave of k per token.
UsageTable with_first_count(std::int64_t count, std::int64_t tokens) {
  return made_table("s", {{0}, 2, 1}, {{count, tokens - count}}, {tokens});
}

TEST(Contrast, RiskDifferenceOfPublishedCounts) {
  // SteerMoE safety tables: Qwen3-30B-A3B (layer 12, expert 85) and OLMoE (layer 9, expert 39)
  auto const qwen_a = with_first_count(48824, 64588), qwen_b = with_first_count(10884, 371582);
  EXPECT_NEAR(contrast::risk_difference({Group(qwen_a), Group(qwen_b)}).score[0], .726639, 5e-7);
  auto const olmoe_a = with_first_count(56142, 65011), olmoe_b = with_first_count(29398, 377168);
  EXPECT_NEAR(contrast::risk_difference({Group(olmoe_a), Group(olmoe_b)}).score[0], .785633, 5e-7);
}

TEST(Contrast, HandComputed) {
  // two clusters each: 3 + 5 of 4 + 6 tokens against 1 + 1 of 2 + 3
  ExpertSpace const space{{7}, 3, 2};
  auto const a = made_table("a", space, {{3, 4, 1}, {5, 6, 1}}, {4, 6});
  auto const b = made_table("b", space, {{1, 2, 1}, {1, 3, 2}}, {2, 3});
  Group const ga(a), gb(b);
  EXPECT_DOUBLE_EQ(contrast::risk_difference({ga, gb}).score[0], .8 - .4);
  auto const gap = contrast::jailbreak_gap({ga, gb}).score;
  EXPECT_DOUBLE_EQ(gap[0], .8 - .4);
  EXPECT_EQ(contrast::risk_difference({ga, gb}).score[1], 0);
  auto const small = made_table("c", space, {{16, 3, 1}}, {20}),
             smaller = made_table("d", space, {{17, 2, 1}}, {20});
  EXPECT_EQ(contrast::jailbreak_gap({Group(smaller), Group(small)}).score[0], 0);  // .05
  EXPECT_DOUBLE_EQ(contrast::log_odds({ga, gb}).score[0], std::log(8.5 / 2.5) - std::log(2.5 / 3.5));
  EXPECT_TRUE(std::isfinite(contrast::log_odds({ga, gb}).score[1]));  // active at every token
  EXPECT_DOUBLE_EQ(contrast::gate_mass({ga, gb}).score[0], .25 * (.8 - .4));
  double const m = .3;  // q: .4 and .2
  EXPECT_NEAR(contrast::js_term(.4, .2), (.4 * std::log(.4 / m) + .2 * std::log(.2 / m)) / 2, 1e-15);
}

TEST(Contrast, JsIsThePluginLessItsFloorAndKeepsTheSign) {
  ExpertSpace const space{{0, 4}, 2, 1};
  auto const a = made_table("a", space, {{9, 1, 5, 5}, {8, 2, 5, 5}, {7, 3, 5, 5}}, {10, 10, 10}),
             b = made_table("b", space, {{1, 9, 5, 5}, {4, 6, 5, 5}, {3, 7, 5, 5}}, {10, 10, 10});
  Comparison const groups{Group(a), Group(b)};
  auto const estimate = contrast::js_estimate(groups);
  auto const [score, divergence] = contrast::js(groups);
  EXPECT_NEAR(estimate.plugin[0], contrast::js_term(.8, 8.0 / 30), 1e-15);
  EXPECT_GT(estimate.floor[0], 0);
  EXPECT_EQ(score[0], estimate.plugin[0] - estimate.floor[0]);
  EXPECT_EQ(score[1], -(estimate.plugin[1] - estimate.floor[1]));
  EXPECT_EQ(score[2], 0);
  EXPECT_EQ(divergence[0], estimate.plugin[0] + estimate.plugin[1]);
  EXPECT_EQ(divergence[1], 0);
}

TEST(Contrast, JsReachesItsBound) {
  auto const a = with_first_count(10, 10), b = with_first_count(0, 7);
  EXPECT_NEAR(contrast::js({Group(a), Group(b)}).divergence[0], std::log(2.0), 1e-15);  // disjoint experts
  EXPECT_EQ(contrast::js({Group(a), Group(a)}).divergence[0], 0);
}

std::vector<std::int64_t> random_row(std::uint64_t seed) {
  std::vector<std::int64_t> row;
  for (std::uint32_t e = 0; e < 6; ++e)
    row.push_back(static_cast<std::int64_t>(random_below(random_bits(seed, 0, e, 0), 40)));
  return row;
}

TEST(Contrast, OtCostOfMidRanks) {
  // counts 5, 1, 1, 3 of a: percentiles 87.5, 25, 25, 62.5; of b (4, 4, 1, 1): 75, 75, 25, 25
  ExpertSpace const space{{0}, 4, 1};
  auto const a = made_table("a", space, {{5, 1, 1, 3}}, {10}),
             b = made_table("b", space, {{4, 4, 1, 1}}, {10});
  auto const cost = [](double f) { return 1 / ((f + 1) * (100 - f) * (100 - f)); };
  auto const score = contrast::ot_cost({Group(a), Group(b)}).score;
  EXPECT_NEAR(score[0], cost(87.5) - cost(75), 1e-15);
  EXPECT_NEAR(score[1], cost(25) - cost(75), 1e-15);  // negative: cheaper at 25, and used less
  EXPECT_LT(score[1], 0);
  EXPECT_EQ(score[2], 0);
  EXPECT_NEAR(score[3], std::abs(cost(62.5) - cost(25)), 1e-15);
}

TEST(Contrast, DebiasedJsOfTwoClustersThatCanOnlySwapIsZero) {
  ExpertSpace const space{{0, 1}, 2, 1};
  auto const a = made_table("a", space, {{9, 1, 5, 5}}, {10}),
             b = made_table("b", space, {{1, 9, 5, 5}}, {10});
  auto const [score, divergence] = contrast::js({Group(a), Group(b)});
  EXPECT_GT(divergence[0], .3);
  EXPECT_NEAR(score[0], 0, 1e-15);
  EXPECT_EQ(divergence[1], 0);
}

// The mean over all relabellings of two pairs and the value of each, by hand.
TEST(Contrast, FloorIsTheMeanOverRelabellings) {
  ExpertSpace const space{{0}, 2, 1};
  auto const a = made_table("a", space, {{9, 1}, {4, 6}}, {10, 10}),
             b = made_table("b", space, {{1, 9}, {3, 7}}, {10, 10});
  auto const term = [](double in_a, double in_b) { return contrast::js_term(in_a / 20, in_b / 20); };
  auto const kept = term(13, 4), second_swapped = term(12, 5);  // and their mirror images
  auto const floor = contrast::js_estimate({Group(a), Group(b)}).floor[0];
  auto const share = (floor - second_swapped) / (kept - second_swapped);  // of 200 draws, one half expected
  EXPECT_NEAR(share, .5, .15);
  EXPECT_NEAR(share * 200, std::round(share * 200), 1e-6);
}

TEST(Contrast, DebiasedJsHasNoBiasWhereGroupsAreAlike) {
  ExpertSpace const space{{0}, 6, 2};
  double plugin = 0, debiased = 0;
  constexpr int runs = 40;
  for (std::uint64_t run = 0; run < runs; ++run) {
    std::vector<std::vector<std::int64_t>> rows[2];
    for (std::uint64_t c = 0; c < 20; ++c) rows[c % 2].push_back(random_row(1000 * run + c));
    auto const a = made_table("a", space, rows[0], std::vector<std::int64_t>(10, 60));
    auto b = made_table("b", space, rows[1], std::vector<std::int64_t>(10, 60));
    for (auto& id : b.clusters) id += 50;  // no pairs
    auto const estimate = contrast::js_estimate({Group(a), Group(b)});
    for (std::size_t e = 0; e < space.size(); ++e) {
      plugin += estimate.plugin[e] / runs;
      debiased += (estimate.plugin[e] - estimate.floor[e]) / runs;
    }
  }
  EXPECT_GT(plugin, .005);
  EXPECT_LT(std::abs(debiased), .15 * plugin);
}

TEST(Contrast, TableNamesItsRows) {
  EXPECT_EQ(contrast::find("js")->score, contrast::js);
  EXPECT_EQ(contrast::find("jss"), nullptr);
  for (auto const& row : contrast::criteria()) {
    EXPECT_EQ(contrast::find(row.name), &row);  // no name twice
    EXPECT_NE(row.test, nullptr) << row.name;
  }
  EXPECT_TRUE(contrast::find("cmh_token")->same_token);
  EXPECT_EQ(contrast::find("gate_mass")->test->make, studentised_mass);
  EXPECT_TRUE(contrast::find("paired_t")->test->pairs_only);
}

}  // namespace
}  // namespace moerae
