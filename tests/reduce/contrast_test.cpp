#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "moerae/base/random.hpp"
#include "moerae/reduce/contrast/criteria.hpp"
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
  EXPECT_NEAR(contrast::risk_difference({Group(qwen_a), Group(qwen_b)})[0], .726639, 5e-7);
  auto const olmoe_a = with_first_count(56142, 65011), olmoe_b = with_first_count(29398, 377168);
  EXPECT_NEAR(contrast::risk_difference({Group(olmoe_a), Group(olmoe_b)})[0], .785633, 5e-7);
}

TEST(Contrast, HandComputed) {
  // two clusters each: 3 + 5 of 4 + 6 tokens against 1 + 1 of 2 + 3
  ExpertSpace const space{{7}, 3, 2};
  auto const a = made_table("a", space, {{3, 4, 1}, {5, 6, 1}}, {4, 6});
  auto const b = made_table("b", space, {{1, 2, 1}, {1, 3, 2}}, {2, 3});
  Group const ga(a), gb(b);
  EXPECT_DOUBLE_EQ(contrast::risk_difference({ga, gb})[0], .8 - .4);
  EXPECT_DOUBLE_EQ(contrast::log_odds({ga, gb})[0], std::log(8.5 / 2.5) - std::log(2.5 / 3.5));
  EXPECT_TRUE(std::isfinite(contrast::log_odds({ga, gb})[1]));  // active at every token
  EXPECT_DOUBLE_EQ(contrast::gate_mass({ga, gb})[0], .25 * (.8 - .4));
  double const m = .3;  // q: .4 and .2
  EXPECT_NEAR(contrast::js({ga, gb})[0], (.4 * std::log(.4 / m) + .2 * std::log(.2 / m)) / 2, 1e-15);
  EXPECT_LT(contrast::js({ga, gb})[2], 0);  // .1 against .3
  EXPECT_NEAR(contrast::js_of_layers(space, contrast::js({ga, gb}))[0],
              contrast::js({ga, gb})[0] - contrast::js({ga, gb})[2], 1e-15);
}

TEST(Contrast, JsReachesItsBound) {
  auto const a = with_first_count(10, 10), b = with_first_count(0, 7);
  auto const terms = contrast::js({Group(a), Group(b)});
  EXPECT_NEAR(contrast::js_of_layers(a.space, terms)[0], std::log(2.0), 1e-15);  // disjoint experts
  EXPECT_EQ(contrast::js_of_layers(a.space, contrast::js({Group(a), Group(a)}))[0], 0);
}

class EveryContrast : public testing::TestWithParam<ContrastCriterion> {};

std::vector<std::int64_t> random_row(std::uint64_t seed) {
  std::vector<std::int64_t> row;
  for (std::uint32_t e = 0; e < 6; ++e)
    row.push_back(static_cast<std::int64_t>(random_below(random_bits(seed, 0, e, 0), 40)));
  return row;
}

TEST_P(EveryContrast, ChangesSignWithTheGroupsAndFollowsRelabelledExperts) {
  ExpertSpace const space{{0, 1}, 3, 2};
  auto const a = made_table("a", space, {random_row(1), random_row(2)}, {60, 40});
  auto const b = made_table("b", space, {random_row(3), random_row(4)}, {50, 50});
  auto const score = GetParam().score({Group(a), Group(b)}), back = GetParam().score({Group(b), Group(a)});
  for (std::size_t e = 0; e < score.size(); ++e) EXPECT_DOUBLE_EQ(score[e], -back[e]) << e;

  auto const swapped = [](std::vector<std::int64_t> row) {
    std::swap(row[0], row[2]);
    std::swap(row[3], row[4]);
    return row;
  };
  auto const pa = made_table("a", space, {swapped(random_row(1)), swapped(random_row(2))}, {60, 40});
  auto const pb = made_table("b", space, {swapped(random_row(3)), swapped(random_row(4))}, {50, 50});
  auto const permuted = GetParam().score({Group(pa), Group(pb)});
  auto expected = score;
  std::swap(expected[0], expected[2]);
  std::swap(expected[3], expected[4]);
  EXPECT_EQ(permuted, expected);
}

INSTANTIATE_TEST_SUITE_P(All, EveryContrast,
                         testing::ValuesIn(contrast::criteria().begin(), contrast::criteria().end()),
                         [](auto const& row) { return std::string(row.param.name); });

TEST(Contrast, TableNamesItsRows) {
  EXPECT_EQ(contrast::find("js")->score, contrast::js);
  EXPECT_EQ(contrast::find("jss"), nullptr);
  EXPECT_EQ(contrast::known(), "risk_difference, log_odds, gate_mass, js");
}

}  // namespace
}  // namespace moerae
