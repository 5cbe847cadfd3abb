#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "reduce/contrast/criteria.hpp"
#include "reduce/contrast/made_groups.hpp"
#include "reduce/contrast/studentised.hpp"
#include "reduce/made_run.hpp"

namespace moerae {
namespace {

using test::made_groups;
using test::MadeCell;

ExpertSpace const space{{0, 1}, 9, 2};

class EveryCriterion : public testing::TestWithParam<ContrastCriterion> {};

double some_rate(MadeCell const& cell) {
  auto const e = static_cast<double>(cell.expert);
  auto const effect = cell.expert * 5 % 9 < 4 ? .05 : -.05;  // the order of the experts changes
  return .1 + .015 * e + (cell.in_a ? effect : 0) + .01 * cell.topic;
}

TEST_P(EveryCriterion, ChangesSignWithTheGroups) {
  auto const made = made_groups(space, {}, some_rate);
  auto const score = GetParam().score(made.compare()).score, back = GetParam().score(made.turned()).score;
  ASSERT_EQ(score.size(), space.size());
  for (std::size_t e = 0; e < score.size(); ++e) EXPECT_DOUBLE_EQ(score[e], -back[e]) << e;
  EXPECT_TRUE(std::ranges::any_of(score, [](double s) { return s > 0; }));
  EXPECT_TRUE(std::ranges::any_of(score, [](double s) { return s < 0; }));
}

TEST_P(EveryCriterion, IsItsTestWhereItIsAStatisticAndSaysWhatItCannotCompare) {
  auto const made = made_groups(space, {}, some_rate);
  auto const obstacle = GetParam().test->obstacle;
  if (obstacle == nullptr) return;
  EXPECT_EQ(obstacle(made.a, made.b), "");
  EXPECT_EQ(GetParam().score(made.compare()).score,
            observed_statistic(GetParam().test->make, made.compare()));
  auto const apart = rows_of(made.a, std::vector<std::size_t>{0, 1}),
             other = rows_of(made.b, std::vector<std::size_t>{2, 3});
  auto const why = obstacle(apart, other);
  EXPECT_THAT(why, testing::HasSubstr(std::string(GetParam().name)));
  EXPECT_EQ(test::message_of<ConfigError>([&] {
              (void)GetParam().score({Group(apart), Group(other)});
            }),
            why);
}

TEST_P(EveryCriterion, FollowsRelabelledExperts) {
  auto const made = made_groups(space, {}, some_rate);
  std::vector<std::size_t> const order{3, 0, 8, 1, 2, 7, 6, 5, 4};
  auto const score = GetParam().score(made.compare()).score;
  auto const permuted = GetParam().score(test::relabelled(made, order).compare()).score;
  for (std::size_t e = 0; e < score.size(); ++e) EXPECT_EQ(permuted[e / 9 * 9 + order[e % 9]], score[e]) << e;
}

TEST_P(EveryCriterion, IsFiniteWhereNothingVaries) {
  for (double const rate : {0.0, 1.0}) {
    auto made = made_groups(space, {}, [&](MadeCell const&) { return rate; });
    for (auto* table : {&made.a, &made.b})  // no token is left out
      for (std::size_t i = 0; i < table->count.size(); ++i) {
        table->count[i] = rate > 0 ? table->tokens[i / space.size()] : 0;
        table->mass[i] = table->count[i] << 30;
      }
    for (auto* rows : {&made.same.a, &made.same.b}) std::ranges::fill(rows->sum, 0);
    auto const score = GetParam().score(made.compare()).score;
    for (auto const s : score) {
      if (GetParam().name == "log_odds")  // pulls small groups to even odds
        EXPECT_TRUE(std::isfinite(s));
      else
        EXPECT_EQ(s, 0);
    }
  }
}

TEST_P(EveryCriterion, PutsAPerfectExpertFirst) {
  // expert 4 is selected by every token of a and none of b: no variance within either group
  auto made = made_groups(space, {.alone = 0}, [](MadeCell const& cell) {
    return .1 + .02 * static_cast<double>(cell.expert % 9) + .01 * cell.topic;
  });
  for (auto* table : {&made.a, &made.b})
    for (std::size_t c = 0; c < table->clusters.size(); ++c) {
      auto const n = table == &made.a ? table->tokens[c] : 0;
      table->count[c * space.size() + 4] = n;
      table->mass[c * space.size() + 4] = n << 30;
    }
  for (auto* rows : {&made.same.a, &made.same.b})
    for (std::size_t c = 0; c < rows->tokens.size(); ++c)
      rows->sum[c * space.size() + 4] = (rows == &made.same.a ? 1 : -1) * rows->tokens[c] << 15;
  auto const score = GetParam().score(made.compare()).score;
  EXPECT_EQ(std::ranges::max_element(score) - score.begin(), 4);
}

INSTANTIATE_TEST_SUITE_P(All, EveryCriterion,
                         testing::ValuesIn(contrast::criteria().begin(), contrast::criteria().end()),
                         [](auto const& row) { return std::string(row.param.name); });

double score_of(std::string_view criterion, test::MadeGroups const& made, std::size_t expert) {
  return contrast::find(criterion)->score(made.compare()).score[expert];
}

TEST(Confounding, OfTheTopicIsRemovedWithinTopics) {
  // expert 2 follows the topic, which the groups share unevenly; expert 5 follows the group
  auto const made = made_groups(space, {.pairs = 0, .alone = 120}, [](MadeCell const& cell) {
    if (cell.expert == 2) return .1 + .2 * cell.topic;
    if (cell.expert == 5) return cell.in_a ? .35 : .3;
    return .2;
  });
  EXPECT_LT(score_of("studentised", made, 2), -5);
  EXPECT_LT(std::abs(score_of("within_topic", made, 2)), 3.5);
  EXPECT_GT(score_of("studentised", made, 5), 5);
  EXPECT_GT(score_of("within_topic", made, 5), 5);
}

}  // namespace
}  // namespace moerae
