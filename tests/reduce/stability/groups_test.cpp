#include "reduce/stability/groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moerae/base/random.hpp"
#include "reduce/made_run.hpp"
#include "reduce/stability/whole_model.hpp"

namespace moerae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Stability frequencies(std::vector<std::int64_t> counts, bool plain = false) {
  StabilityRule rule;
  rule.plain_difference = plain;
  return {{{0}, static_cast<std::int32_t>(counts.size()), 1}, rule, 1, std::move(counts), {}, {}};
}

TEST(Groups, DefaultRuleHasAnUndeterminedGroup) {
  // both, regular only, in between, jailbreak only, benign too
  auto const regular = frequencies({95, 90, 100, 5, 100}), jailbreak = frequencies({90, 10, 50, 100, 99}),
             benign = frequencies({0, 0, 0, 0, 100});
  auto const groups = form_groups(regular, jailbreak, &benign);
  ASSERT_EQ(groups.size(), 4U);
  EXPECT_EQ(groups[0].name, "hcdg");
  EXPECT_THAT(groups[0].members, ElementsAre(0, 4));
  EXPECT_THAT(groups[0].score, ElementsAre(.9, .1, .5, .05, .99));
  EXPECT_EQ(groups[1].name, "hcdg-minus-benign");
  EXPECT_THAT(groups[1].members, ElementsAre(0));
  EXPECT_EQ(groups[2].name, "hrcg");
  EXPECT_THAT(groups[2].members, ElementsAre(1));
  EXPECT_DOUBLE_EQ(groups[2].score[1], .9 - .1);
  EXPECT_EQ(groups[3].name, "hrcg-undetermined");
  EXPECT_THAT(groups[3].members, ElementsAre(2));
}

TEST(Groups, PaperRuleIsAPlainDifference) {
  auto const regular = frequencies({95, 90, 100}, true), jailbreak = frequencies({90, 10, 50}, true);
  auto const groups = form_groups(regular, jailbreak, nullptr);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_THAT(groups[1].members, ElementsAre(1, 2));
  EXPECT_THAT(groups[2].members, IsEmpty());
}

UsageTable noise(std::uint32_t clusters) {
  std::vector<std::vector<std::int64_t>> counts;
  for (std::uint32_t c = 0; c < clusters; ++c) {
    std::vector<std::int64_t> row;
    for (std::uint32_t e = 0; e < 40; ++e)
      row.push_back(static_cast<std::int64_t>(random_below(random_bits(8, 1, c, e), 1000)));
    counts.push_back(row);
  }
  return test::made_table("benign", {{0}, 40, 8}, counts, std::vector<std::int64_t>(clusters, 4000));
}

TEST(NoiseFloor, PlainDifferenceOfHalvesManufacturesFindings) {
  auto const table = noise(40);
  SesOptions options;
  options.resample = Resampling::bootstrap;
  options.threshold = 1;
  options.preset = "paper";
  options.samples = 10;
  auto const selected = test::select_whole({}, table, stability_rule(options), 1);
  auto const floors = test::floor_whole(table, selected, 1);
  ASSERT_EQ(floors.size(), 4U);
  EXPECT_EQ(floors[2].group, "hrcg");
  EXPECT_EQ(floors[2].sizes.size(), static_cast<std::size_t>(noise_splits));
  EXPECT_GT(floors[2].mean(), 0);  // pure noise, and yet a "response control group"
  EXPECT_GE(static_cast<double>(std::ranges::max(floors[2].sizes)), floors[2].mean());
}

TEST(NoiseFloor, NeedsTwoClustersAHalf) {
  auto const table = noise(3);
  auto const selected = test::select_whole({}, table, {}, 1);
  EXPECT_THAT(test::floor_whole(table, selected, 1), IsEmpty());
}

}  // namespace
}  // namespace moerae
