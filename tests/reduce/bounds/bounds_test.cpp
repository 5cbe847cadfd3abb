#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "reduce/bounds/concave_tail.hpp"
#include "reduce/bounds/normal_null.hpp"
#include "reduce/bounds/stability_bounds.hpp"

namespace moerae {
namespace {

using testing::HasSubstr;

constexpr auto mb = BoundKind::meinshausen_buhlmann;

double value(BoundKind kind, double tau, std::int64_t q, std::int64_t p) {
  return bound_formula(kind, {.threshold = tau, .q = q, .p = p});
}

struct Vector {
  double tau;
  std::int64_t p, q;
  double meinshausen_buhlmann, unimodal, r_concave;
};

// B = 50; r-concave values by R's package stabs
constexpr Vector vectors[] = {
    {.6, 100, 1, .05, .0263, .00697},    {.6, 100, 3, .45, .237, .0869},
    {.6, 100, 5, 1.25, .658, .261},      {.6, 100, 10, 5, 2.63, 1.14},
    {.9, 1024, 10, .1221, .0421, .0061}, {.9, 6144, 48, .4688, .1618, .0234},
    {1, 6144, 48, .375, .0147, .0017},
};

TEST(StabilityBounds, PublishedVectors) {
  for (auto const& v : vectors) {
    SCOPED_TRACE(testing::Message() << "tau " << v.tau << " p " << v.p << " q " << v.q);
    // half of the last digit given, or the relative 5e-3
    auto const near = [](double found, double expected, double digit) {
      EXPECT_NEAR(found, expected, std::max(5e-3 * expected, digit / 2));
    };
    near(value(mb, v.tau, v.q, v.p), v.meinshausen_buhlmann, 1e-4);
    near(value(BoundKind::unimodal, v.tau, v.q, v.p), v.unimodal, 1e-4);
    near(value(BoundKind::r_concave, v.tau, v.q, v.p), v.r_concave, v.p == 100 ? 1e-5 : 1e-4);
  }
}

TEST(StabilityBounds, UsageRanksOfQwen3) {
  EXPECT_NEAR(value(BoundKind::unimodal, .9, 576, 6144), 23.3, .05);  // 12 in each of 48 layers
}

TEST(StabilityBounds, LargestQ) {
  BoundCase const of{.p = 6144};
  EXPECT_EQ(largest_q(BoundKind::unimodal, of), 119);
  EXPECT_EQ(largest_q(mb, of), 70);
  auto const q = largest_q(BoundKind::r_concave, of);
  EXPECT_GT(q, 119);
  EXPECT_TRUE(stability_bound(BoundKind::r_concave, {.q = q, .p = 6144}).value);
  EXPECT_FALSE(stability_bound(BoundKind::r_concave, {.q = q + 1, .p = 6144}).value.value_or(9) <= 1);
  EXPECT_EQ(largest_q(BoundKind::unimodal, of, 10), 377);    // sqrt(10 * 2.318 * 6144)
  EXPECT_EQ(largest_q(mb, {.threshold = .51, .p = 10}), 0);  // 1/(.02 * 10) = 5
  EXPECT_EQ(largest_q(mb, {.resampling = Resampling::bootstrap, .p = 6144}), 0);
}

TEST(StabilityBounds, ThresholdsBetweenReplicatesCountAsTheNext) {
  // with 100 replicates a frequency of at least .895 is one of at least .9
  for (auto const kind : bound_kinds) EXPECT_EQ(value(kind, .895, 10, 1024), value(kind, .9, 10, 1024));
}

std::string reason(BoundKind kind, BoundCase const& of) {
  auto const bound = stability_bound(kind, of);
  EXPECT_FALSE(bound.value) << name_of(kind) << " " << *bound.value;
  return bound.reason;
}

TEST(StabilityBounds, RefusedWithTheReason) {
  BoundCase const fine{.q = 10, .p = 100};
  for (auto const kind : bound_kinds) {
    auto of = fine;
    of.resampling = Resampling::bootstrap;
    EXPECT_THAT(reason(kind, of), HasSubstr("complementary"));
    of = fine, of.threshold = .5;
    EXPECT_THAT(reason(kind, of), HasSubstr("ses.threshold"));
    of = fine, of.q = 0;
    EXPECT_THAT(reason(kind, of), HasSubstr("none"));
    of = fine, of.q = 100;
    EXPECT_THAT(reason(kind, of), HasSubstr("all"));
  }
  auto half = fine;
  half.resampling = Resampling::half;
  EXPECT_THAT(reason(BoundKind::unimodal, half), HasSubstr("pairs"));
  EXPECT_THAT(reason(BoundKind::r_concave, half), HasSubstr("pairs"));
  EXPECT_TRUE(stability_bound(mb, half).value);
}

TEST(StabilityBounds, UnimodalBeginsAtItsThreshold) {
  // theta = .4: 1/2 + min(.16, .01 + .12) = .63
  BoundCase of{.threshold = .62, .q = 40, .p = 100};
  EXPECT_THAT(reason(BoundKind::unimodal, of), HasSubstr("0.63"));
  of.threshold = .63;
  EXPECT_TRUE(stability_bound(BoundKind::unimodal, of).value);
  of.threshold = .9, of.q = 58;  // above 1/sqrt(3)
  EXPECT_THAT(reason(BoundKind::unimodal, of), HasSubstr("sqrt(3)"));
  of.threshold = .51, of.q = 1;  // below 1/2 + 1/B
  EXPECT_THAT(reason(BoundKind::unimodal, of), HasSubstr("0.52"));
}

TEST(StabilityBounds, RConcaveWhereRanksOfMeansKeepIt) {
  EXPECT_TRUE(stability_bound(BoundKind::r_concave, {.q = 119, .p = 6144}).value);
  BoundCase const low{.threshold = .6, .q = 10, .p = 100};
  EXPECT_THAT(reason(BoundKind::r_concave, low), testing::AllOf(HasSubstr("1.14"), HasSubstr("unimodal")));
  EXPECT_THAT(reason(BoundKind::r_concave, {.q = 576, .p = 6144}),
              HasSubstr("exchangeable"));  // usage of Qwen3
}

// Golden values by numpy (trinomial chances by a Fourier transform)
TEST(NormalNull, Tail) {
  EXPECT_NEAR(normal_null_tail(.1, 60, 50), 0.0198842, 2e-06);
  EXPECT_NEAR(normal_null_tail(.02, 90, 50), 1.98614e-05, 2e-09);
  EXPECT_NEAR(normal_null_tail(.02, 900, 500), normal_null_tail(.02, 180, 100), 1e-12);
}

// The unimodal bound, by contrast, is kept at every threshold.
TEST(NormalNull, KeepsTheUnimodalBound) {
  for (double const tau : {.55, .6, .7, .75, .8, .9, 1.0})
    for (std::int64_t const q : {1, 5, 20, 100, 200}) {
      BoundCase const of{.threshold = tau, .q = q, .p = 1000};
      auto const bound = stability_bound(BoundKind::unimodal, of);
      if (!bound.value) continue;
      EXPECT_LE(1000 * normal_null_tail(static_cast<double>(q) / 1000, std::lround(100 * tau), 50),
                *bound.value);
    }
}

TEST(StabilityBounds, RConcaveIsTheTighterAndAllFallWithTheThreshold) {
  double before[3] = {1e9, 1e9, 1e9};
  for (double const tau : {.6, .7, .75, .8, .9, 1.0}) {
    EXPECT_LE(value(BoundKind::unimodal, tau, 10, 1024), value(mb, tau, 10, 1024));
    EXPECT_LE(value(BoundKind::r_concave, tau, 10, 1024), value(BoundKind::unimodal, tau, 10, 1024));
    for (int i = 0; i < 3; ++i) {
      auto const now = value(bound_kinds[i], tau, 10, 1024);
      EXPECT_LT(now, before[i]);
      before[i] = now;
    }
  }
}

TEST(ConcaveTail, BelowMarkovAndOneWhereTheMeanAllowsIt) {
  for (double const eta : {.01, .1, .2})
    for (std::int64_t t = 50; t <= 100; t += 10) {
      auto const tail = concave_tail(eta, t, 100, 4);
      EXPECT_GT(tail, 0);
      EXPECT_LT(tail, eta * 100 / static_cast<double>(t));  // Markov: no shape at all
    }
  EXPECT_EQ(concave_tail(.3, 60, 100, 4), 1);
  EXPECT_LT(concave_tail(.3, 61, 100, 4), 1);
}

// Against a search over the density itself: mass (a + i)^-2 on 0..k and m at k + 1, on a fine grid of a.
TEST(ConcaveTail, NoDistributionOfTheFamilyExceedsIt) {
  constexpr int n = 20, t = 14;
  double const eta = .15, mean = eta * n, bound = concave_tail(eta, t, n, 2);
  double best = 0;
  for (int k = t - 1; k < n; ++k)
    for (double log_a = -6; log_a < 6; log_a += 2e-4) {
      double const a = std::exp(log_a);
      double mass = 0, moment = 0, tail = 0;
      for (int i = 0; i <= k; ++i) {
        double const f = 1 / ((a + i) * (a + i));
        mass += f, moment += i * f, tail += i >= t ? f : 0;
      }
      double const m = (mean * mass - moment) / (k + 1 - mean);
      if (m < 0 || m > 1 / ((a + k + 1) * (a + k + 1))) continue;  // not r-concave
      best = std::max(best, (tail + (k + 1 >= t ? m : 0)) / (mass + m));
    }
  EXPECT_LE(best, bound * (1 + 1e-9));
  EXPECT_NEAR(best, bound, 1e-3 * bound);
}

Stability selection_of(std::vector<std::int64_t> counts, Resampling resampling = Resampling::complementary) {
  StabilityRule rule;
  rule.resampling = resampling;
  auto const experts = static_cast<std::int32_t>(counts.size());
  return {{{0}, experts, 1}, rule, 2, std::move(counts), {}, {}};
}

TEST(BoundStatement, SaysWhatItMeansAndWhatItDoesNot) {
  std::vector<std::int64_t> counts(100, 1);
  counts[3] = counts[7] = 100;
  auto const statement = bound_statement(selection_of(counts));
  EXPECT_EQ(statement.selected, 2);
  EXPECT_EQ(statement.q, 2);
  EXPECT_TRUE(statement.informative);
  ASSERT_EQ(statement.bounds.size(), 2U);
  for (auto const* part : {"2 of 100 experts", "q/p = 0.02", "unimodal 0.0173", "r_concave", "safety"})
    EXPECT_THAT(statement.sentence, HasSubstr(part));
  EXPECT_THAT(statement.sentence, Not(HasSubstr("vacuous")));
  EXPECT_EQ(bound_statement(selection_of(counts), true).bounds.front().kind, mb);
}

TEST(BoundStatement, VacuousOrNoBound) {
  EXPECT_TRUE(vacuous(1.01, 500));
  EXPECT_TRUE(vacuous(.5, 0));
  EXPECT_FALSE(vacuous(.5, 1));
  auto const none = bound_statement(selection_of(std::vector<std::int64_t>(100, 1)));
  EXPECT_FALSE(none.informative);
  EXPECT_THAT(none.sentence, HasSubstr("vacuous"));
  auto const bootstrap =
      bound_statement(selection_of(std::vector<std::int64_t>(100, 1), Resampling::bootstrap), true);
  EXPECT_FALSE(bootstrap.informative);
  EXPECT_THAT(bootstrap.sentence,
              testing::AllOf(HasSubstr("No meinshausen_buhlmann bound"), Not(HasSubstr("No unimodal"))));
}

}  // namespace
}  // namespace moerae
