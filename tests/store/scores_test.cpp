#include "moerae/store/scores.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

// As random_mask writes it: a score of the whole model with its test, and one without.
StoredScores made_scores() {
  auto const test = std::make_shared<ScoreTest>(ScoreTest{.statistic = "masked difference",
                                                          .units = 400,
                                                          .movable = 400,
                                                          .smallest_p = .01,
                                                          .permutations = 99,
                                                          .lambda = .25,
                                                          .p_adjusted = {.01, 1, .5, .02, 1, .3},
                                                          .q = {.02, 1, .6, .04, 1, .4}});
  auto const refused = std::make_shared<ScoreTest>(ScoreTest{
      .statistic = "paired t", .units = 17, .pairs = 11, .movable = 11, .refused = "only 11 of 17"});
  return {{2, 5},
          3,
          {{"attribution", "a-vs-b", "all", {.1, -.2, 0, 1e-300, 4, 5}, {.5, .25}},
           {"random_mask", "a", "response", {3, -2, 1, 0, 0, .5}, {}, test},
           {"random_mask", "b-vs-c-and-d", "response", {1, 2, 3, 4, 5, 6}, {}, refused}}};
}

std::filesystem::path written(test::Scratch const& scratch, StoredScores const& scores) {
  auto const path = scratch.path() / "scores.h5";
  auto file = File::create(path);
  ScoreFile out(file, scores.layers, scores.experts);
  out.per_expert("ses/a/frequency", {0, .1, .2, .3, .4, .5});  // no contrast
  for (auto const& score : scores.scores) out.write(score);
  file.close();
  return path;
}

TEST(Scores, AreReadBackAsWritten) {
  test::Scratch const scratch;
  auto const expected = made_scores();
  auto const found = read_scores(written(scratch, expected));
  EXPECT_EQ(found.layers, expected.layers);
  EXPECT_EQ(found.experts, 3);
  ASSERT_EQ(found.scores.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    auto const &x = found.scores[i], &y = expected.scores[i];
    EXPECT_EQ(x.criterion, y.criterion);
    EXPECT_EQ(x.of, y.of);
    EXPECT_EQ(x.positions, y.positions);
    EXPECT_EQ(x.values, y.values);
    EXPECT_EQ(x.divergence, y.divergence);
    ASSERT_EQ(x.test == nullptr, y.test == nullptr);
    if (!x.test) continue;
    EXPECT_EQ(x.test->statistic, y.test->statistic);
    EXPECT_EQ(x.test->units, y.test->units);
    EXPECT_EQ(x.test->pairs, y.test->pairs);
    EXPECT_EQ(x.test->movable, y.test->movable);
    EXPECT_EQ(x.test->smallest_p, y.test->smallest_p);
    EXPECT_EQ(x.test->refused, y.test->refused);
    EXPECT_EQ(x.test->permutations, y.test->permutations);
    EXPECT_EQ(x.test->lambda, y.test->lambda);
    EXPECT_EQ(x.test->p_adjusted, y.test->p_adjusted);
    EXPECT_EQ(x.test->q, y.test->q);
  }
}

std::string refusal(test::Scratch const& scratch, StoredScores const& scores) {
  auto const path = written(scratch, scores);
  try {
    (void)read_scores(path);
  } catch (DataError const& error) {
    return error.what();
  }
  return {};
}

TEST(Scores, OfOtherExpertsOrNotFiniteAreRefused) {
  test::Scratch const scratch;
  auto scores = made_scores();
  scores.scores[0].values[4] = std::nan("");
  EXPECT_THAT(
      refusal(scratch, scores),
      testing::AllOf(testing::HasSubstr("contrast/attribution/a-vs-b/score"), testing::HasSubstr("finite")));
  auto const path = scratch.path() / "other.h5";
  auto file = File::create(path);
  ScoreFile out(file, {1}, 2);
  file.write("contrast/js/a-vs-b/score", std::vector<double>{1, 2, 3}, {1, 3});
  file.set_attribute("contrast/js/a-vs-b/score", "positions", std::string("all"));
  file.close();
  try {
    (void)read_scores(path);
    FAIL() << "three experts of two were read";
  } catch (DataError const& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("1 x 2"));
  }
}

TEST(Scores, AFileWithoutScalesIsRefused) {
  test::Scratch const scratch;
  auto const path = scratch.path() / "plain.h5";
  auto file = File::create(path);
  file.write("x", std::vector<double>{1}, {1});
  file.close();
  EXPECT_THROW((void)read_scores(path), DataError);
}

}  // namespace
}  // namespace moerae::store
