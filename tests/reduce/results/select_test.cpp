#include "reduce/results/select.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reduce/made_run.hpp"

namespace moerae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = SetRequest::Kind;

Scores made_scores() {
  Scores scores;
  scores.space = {{2, 5}, 3, 1};  // experts 2:0 2:1 2:2 5:0 5:1 5:2
  scores.contrasts[{"js", "a-vs-b"}] = {.score = {.2, -.5, 0, .2, -.1, .3}};
  StabilityRule rule;
  scores.ses.emplace("a", Stability{scores.space, rule, 1, {90, 10, 0, 0, 5, 95}, {}, {}});
  scores.groups = {{"hcdg", {.1, .2, .3, .4, .5, .6}, {1, 3, 5}}};
  return scores;
}

std::vector<std::string> chosen(SetRequest const& request, Scores const& scores = made_scores()) {
  std::vector<std::string> names;
  for (auto const& e : select_experts(request, scores))
    names.push_back(fmt::format("{}:{}", e.layer.value, e.expert.value));
  return names;
}

SetRequest contrast(store::Side side) {
  return {.name = "n", .criterion = "js", .kind = Kind::contrast, .groups = {"a", "b"}, .side = side};
}

TEST(Select, ContrastSides) {
  auto request = contrast(store::Side::positive);
  request.count = 2;
  EXPECT_THAT(chosen(request), ElementsAre("5:2", "2:0"));  // 2:0 and 5:0 tie
  request.count = 9;
  EXPECT_THAT(chosen(request), ElementsAre("5:2", "2:0", "5:0"));  // only those above 0
  request = contrast(store::Side::negative);
  request.count = 2;
  EXPECT_THAT(chosen(request), ElementsAre("2:1", "5:1"));
  request = contrast(store::Side::both);
  request.threshold = .2;
  EXPECT_THAT(chosen(request), ElementsAre("2:1", "5:2", "2:0", "5:0"));
}

TEST(Select, Frequencies) {
  SetRequest request{.name = "n", .criterion = "ses", .kind = Kind::ses, .set = "a"};
  EXPECT_THAT(chosen(request), ElementsAre("5:2", "2:0"));  // tau .9
  EXPECT_EQ(select_experts(request, made_scores())[1].frequency, .9);
  request.threshold = .05;
  EXPECT_THAT(chosen(request), ElementsAre("5:2", "2:0", "2:1", "5:1"));
  request.threshold.reset();
  request.count = 3;
  EXPECT_THAT(chosen(request), ElementsAre("5:2", "2:0", "2:1"));
}

TEST(Select, MembersOfAGroup) {
  SetRequest request{.name = "n", .criterion = "hcdg", .kind = Kind::safety_group};
  EXPECT_THAT(chosen(request), ElementsAre("5:2", "5:0", "2:1"));
  request.threshold = .4;
  EXPECT_THAT(chosen(request), ElementsAre("5:2", "5:0"));
  request.threshold = .9;
  EXPECT_THAT(chosen(request), IsEmpty());
}

TEST(Select, EsftInTheOrderOfRoundedScores) {
  // scores .33333, .33334 round to the same: the lower id is first although its score is lower
  auto scores = made_scores();
  scores.totals["a"] =
      totals(test::made_table("a", scores.space, {{33333, 33334, 33333, 100000, 0, 0}}, {100000}));
  SetRequest request{.name = "n", .criterion = "esft_token", .kind = Kind::esft, .set = "a", .p = .3};
  EXPECT_THAT(chosen(request, scores), ElementsAre("5:0", "2:0"));
  EXPECT_EQ(select_experts(request, scores)[1].score, .3333);
  request.p.reset();
  request.count = 3;
  EXPECT_THAT(chosen(request, scores), ElementsAre("5:0", "2:0", "2:1"));
}

}  // namespace
}  // namespace moerae
