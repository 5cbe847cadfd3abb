#include "reduce/results/select.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moerae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ExpertSpace const space{{2, 5}, 3, 1};  // experts 2:0 2:1 2:2 5:0 5:1 5:2

Score contrast_row() {
  Score row{"js", "a-vs-b", "content", {.2, -.5, 0, .2, -.1, .3}};
  row.signs = true;
  return row;
}

std::vector<std::string> chosen(SelectOptions const& request, Score const& score) {
  std::vector<std::string> names;
  for (auto const& e : select_experts(request, space, score))
    names.push_back(fmt::format("{}:{}", e.layer.value, e.expert.value));
  return names;
}

SelectOptions contrast(store::Side side) {
  return {.name = "n", .criterion = "js", .groups = {{"a", "b"}}, .side = side};
}

TEST(Select, ContrastSides) {
  auto request = contrast(store::Side::positive);
  request.count = 2;
  EXPECT_THAT(chosen(request, contrast_row()), ElementsAre("5:2", "2:0"));  // 2:0 and 5:0 tie
  request.count = 9;
  EXPECT_THAT(chosen(request, contrast_row()), ElementsAre("5:2", "2:0", "5:0"));  // only those above 0
  request = contrast(store::Side::negative);
  request.count = 2;
  EXPECT_THAT(chosen(request, contrast_row()), ElementsAre("2:1", "5:1"));
  request = contrast(store::Side::both);
  request.threshold = .2;
  EXPECT_THAT(chosen(request, contrast_row()), ElementsAre("2:1", "5:2", "2:0", "5:0"));
}

TEST(Select, Frequencies) {
  StabilityRule const rule;
  auto const row = frequency_score("a", "content", Stability{space, rule, 1, {90, 10, 0, 0, 5, 95}, {}, {}});
  EXPECT_EQ(row.stored, "ses/a/frequency");
  SelectOptions request{.name = "n", .criterion = "ses", .set = "a"};
  EXPECT_THAT(chosen(request, row), ElementsAre("5:2", "2:0"));  // tau .9
  EXPECT_EQ(select_experts(request, space, row)[1].frequency, .9);
  request.threshold = .05;
  EXPECT_THAT(chosen(request, row), ElementsAre("5:2", "2:0", "2:1", "5:1"));
  request.threshold.reset();
  request.count = 3;
  EXPECT_THAT(chosen(request, row), ElementsAre("5:2", "2:0", "2:1"));
  request.count = 9;
  EXPECT_THAT(chosen(request, row), ElementsAre("5:2", "2:0", "2:1", "5:1"));  // never chosen: never taken
}

TEST(Select, MembersOfAGroup) {
  Score row{"hcdg", "a-vs-b", "content", {.1, .2, .3, .4, .5, .6}};
  row.members = {1, 3, 5};
  row.only_members = true;
  SelectOptions request{.name = "n", .criterion = "hcdg"};
  EXPECT_THAT(chosen(request, row), ElementsAre("5:2", "5:0", "2:1"));
  request.threshold = .4;
  EXPECT_THAT(chosen(request, row), ElementsAre("5:2", "5:0"));
  request.threshold = .9;
  EXPECT_THAT(chosen(request, row), IsEmpty());
}

TEST(Select, EsftInTheOrderOfRoundedScores) {
  // scores .33333, .33334 round to the same: the lower id is first although its score is lower
  Score row{"esft_token", "a", "content", {.33333, .33334, .33333, 1, 0, 0}};
  row.chosen_by = {.3333, .3333, .3333, 1, 0, 0};
  SelectOptions request{.name = "n", .criterion = "esft_token", .set = "a", .p = .3};
  EXPECT_THAT(chosen(request, row), ElementsAre("5:0", "2:0"));
  EXPECT_EQ(select_experts(request, space, row)[1].score, .3333);
  request.p.reset();
  request.count = 3;
  EXPECT_THAT(chosen(request, row), ElementsAre("5:0", "2:0", "2:1"));
}

}  // namespace
}  // namespace moerae
