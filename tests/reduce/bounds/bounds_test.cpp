#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reduce/bounds/bound_statement.hpp"

namespace moerae {
namespace {

using testing::HasSubstr;

double value(double tau, std::int64_t q, std::int64_t p) {
  return unimodal_bound({.threshold = tau, .q = q, .p = p}).value.value_or(-1);
}

struct Vector {
  double tau;
  std::int64_t p, q;
  double unimodal;
};

// B = 50; by R's package stabs
constexpr Vector vectors[] = {
    {.6, 100, 1, .0263},   {.6, 100, 3, .237},    {.6, 100, 5, .658},   {.6, 100, 10, 2.63},
    {.9, 1024, 10, .0421}, {.9, 6144, 48, .1618}, {1, 6144, 48, .0147},
};

TEST(StabilityBound, PublishedVectors) {
  for (auto const& v : vectors)  // half of the last digit given, or the relative 5e-3
    EXPECT_NEAR(value(v.tau, v.q, v.p), v.unimodal, std::max(5e-3 * v.unimodal, 5e-5))
        << "tau " << v.tau << " p " << v.p << " q " << v.q;
}

TEST(StabilityBound, UsageRanksOfQwen3) {
  EXPECT_NEAR(value(.9, 576, 6144), 23.3, .05);  // 12 in each of 48 layers
}

TEST(StabilityBound, LargestQ) {
  BoundCase const of{.p = 6144};
  EXPECT_EQ(largest_q(of), 119);
  EXPECT_LE(value(.9, 119, 6144), 1);
  EXPECT_GT(value(.9, 120, 6144), 1);
  EXPECT_EQ(largest_q(of, 10), 377);                     // sqrt(10 * 2.318 * 6144)
  EXPECT_EQ(largest_q({.threshold = .52, .p = 10}), 0);  // at q = 1: 1/(10 * 2 (.04 - .01)) = 1.7
  EXPECT_EQ(largest_q({.resampling = Resampling::bootstrap, .p = 6144}), 0);
}

TEST(StabilityBound, ThresholdsBetweenReplicatesCountAsTheNext) {
  // with 100 replicates a frequency of at least .895 is one of at least .9
  EXPECT_EQ(value(.895, 10, 1024), value(.9, 10, 1024));
}

TEST(StabilityBound, FallsWithTheThreshold) {
  double before = 1e9;
  for (double const tau : {.6, .7, .75, .8, .9, 1.0}) {
    EXPECT_LT(value(tau, 10, 1024), before);
    before = value(tau, 10, 1024);
  }
}

std::string reason(BoundCase const& of) {
  auto const bound = unimodal_bound(of);
  EXPECT_FALSE(bound.value) << *bound.value;
  return bound.reason;
}

TEST(StabilityBound, RefusedWithTheReason) {
  BoundCase const fine{.q = 10, .p = 100};
  auto of = fine;
  of.resampling = Resampling::bootstrap;
  EXPECT_THAT(reason(of), HasSubstr("complementary"));
  of = fine, of.threshold = .5;
  EXPECT_THAT(reason(of), HasSubstr("ses.threshold"));
  of = fine, of.q = 0;
  EXPECT_THAT(reason(of), HasSubstr("none"));
  of = fine, of.q = 100;
  EXPECT_THAT(reason(of), HasSubstr("all"));
}

TEST(StabilityBound, BeginsAtItsThreshold) {
  // theta = .4: 1/2 + min(.16, .01 + .12) = .63
  BoundCase of{.threshold = .62, .q = 40, .p = 100};
  EXPECT_THAT(reason(of), HasSubstr("0.63"));
  of.threshold = .63;
  EXPECT_TRUE(unimodal_bound(of).value);
  of.threshold = .9, of.q = 58;  // above 1/sqrt(3)
  EXPECT_THAT(reason(of), HasSubstr("sqrt(3)"));
  of.threshold = .51, of.q = 1;  // below 1/2 + 1/B
  EXPECT_THAT(reason(of), HasSubstr("0.52"));
}

TEST(BoundStatement, SaysWhatItMeansAndWhatItDoesNot) {
  auto const usage = bound_statement({.q = 2, .p = 100}, 2, "usage", "layer");
  EXPECT_TRUE(usage.informative);
  for (auto const* part : {"2 of 100 experts", "q/p = 0.02", "0.0173 (unimodal", "its layer", "safety"})
    EXPECT_THAT(usage.sentence, HasSubstr(part));
  EXPECT_THAT(usage.sentence, Not(HasSubstr("vacuous")));
  auto const contrast = bound_statement({.q = 2, .p = 100}, 2, "js", "model");
  EXPECT_THAT(contrast.sentence, testing::AllOf(HasSubstr("ranks of js"), HasSubstr("its model")));
}

TEST(BoundStatement, VacuousOrNoBound) {
  EXPECT_TRUE(vacuous(1.01, 500));
  EXPECT_TRUE(vacuous(.5, 0));
  EXPECT_FALSE(vacuous(.5, 1));
  auto const none = bound_statement({.q = 2, .p = 100}, 0, "usage", "layer");
  EXPECT_FALSE(none.informative);
  EXPECT_THAT(none.sentence, HasSubstr("vacuous"));
  auto const bootstrap =
      bound_statement({.resampling = Resampling::bootstrap, .q = 2, .p = 100}, 9, "usage", "layer");
  EXPECT_FALSE(bootstrap.informative);
  EXPECT_THAT(bootstrap.sentence, testing::AllOf(HasSubstr("No bound"), Not(HasSubstr("vacuous"))));
}

}  // namespace
}  // namespace moerae
