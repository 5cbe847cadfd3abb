#include "reduce/significance/permutation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "moerae/base/check.hpp"
#include "reduce/contrast/contrast_statistic.hpp"
#include "reduce/contrast/paired_t.hpp"
#include "reduce/contrast/studentised.hpp"
#include "reduce/significance/made_groups.hpp"
#include "reduce/significance/true_discoveries.hpp"

namespace moerae {
namespace {

using test::ids, test::random_usage;

ContrastTest const of_all{"studentised", studentised}, of_pairs{"paired_t", paired_t, true};

std::vector<Significance> tested(UsageTable const& a, UsageTable const& b,
                                 std::vector<ContrastTest const*> const& rows, std::int64_t permutations,
                                 PermuteWithin within = {}, std::uint64_t seed = 0) {
  Comparison const groups{Group(a), Group(b)};
  return test_contrasts({}, Relabelling(a, b, within), seed, rows, a.space.size(),
                        [&](auto const& take) { take(groups); }, {.permutations = permutations});
}

/// Adds `share` of the tokens of every cluster to the expert's count.
void raise(UsageTable& table, std::size_t expert, double share) {
  for (std::size_t c = 0; c < table.clusters.size(); ++c)
    table.count[c * table.space.size() + expert] +=
        static_cast<std::int64_t>(share * static_cast<double>(table.tokens[c]));
}

TEST(PermutationTest, FindsWhatWasPlantedAndNothingElse) {
  auto a = random_usage(1, ids(0, 60)), b = random_usage(2, ids(40, 60));  // 20 pairs, 80 alone
  raise(a, 3, .15);
  raise(b, 11, .15);
  auto const found = tested(a, b, {&of_all, &of_pairs}, 999);
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found[0].movable, 100);
  EXPECT_EQ(found[1].movable, 20);
  EXPECT_EQ(found[1].pairs, 20);
  EXPECT_DOUBLE_EQ(found[0].smallest_p, 1e-3);
  for (auto const& one : found) {
    EXPECT_EQ(one.refused, "");
    for (std::size_t e = 0; e < 16; ++e) {
      EXPECT_EQ(one.p_adjusted[e] < .05, e == 3 || e == 11) << one.statistic << " " << e;
      EXPECT_LE(one.p[e], one.p_adjusted[e]);
      EXPECT_LE(one.p[e], one.q[e]);
    }
    EXPECT_GT(one.t[3], 3);
    EXPECT_LT(one.t[11], -3);
    auto const real = true_discoveries(one.lambda, 16, std::vector<double>{one.t[3], one.t[11]});
    EXPECT_GE(real, 1) << one.statistic;
    EXPECT_LE(true_discoveries(one.lambda, 16, one.t), 2) << one.statistic;
  }
  EXPECT_DOUBLE_EQ(found[0].p_adjusted[3], 1e-3);
}

TEST(PermutationTest, MarginalPIsThatOfAllRelabellings) {
  // 20 pairs of which 10 differ: 1,024 sign patterns
  auto const a = random_usage(1, ids(0, 20), 1);
  auto b = a;
  auto const other = random_usage(2, ids(0, 20), 1);
  std::copy(other.count.begin(), other.count.begin() + 80, b.count.begin());
  std::copy(other.tokens.begin(), other.tokens.begin() + 10, b.tokens.begin());
  auto const found = tested(a, b, {&of_pairs}, 19999).front();
  Relabelling const exchange(a, b, {});
  auto const statistic = paired_t({Group(a), Group(b)}, exchange);
  std::vector<int> as_large(8, 0);
  std::vector<double> t(8);
  for (unsigned pattern = 0; pattern < 1024; ++pattern) {
    auto labels = exchange.observed();
    for (unsigned i = 0; i < 10; ++i) labels[i] = static_cast<Label>(pattern >> i & 1U);
    statistic->evaluate(labels, t);
    for (std::size_t e = 0; e < 8; ++e)
      as_large[e] += static_cast<float>(std::abs(t[e])) >= static_cast<float>(std::abs(found.t[e])) ? 1 : 0;
  }
  for (std::size_t e = 0; e < 8; ++e) {
    double const exact = as_large[e] / 1024.0;
    EXPECT_NEAR(found.p[e], exact, 4 * std::sqrt(exact * (1 - exact) / 20000) + 1e-4) << e;
  }
}

TEST(PermutationTest, TooFewMovableUnitsHaveAScoreButNoP) {
  auto const a = random_usage(1, ids(0, 14)), b = random_usage(2, ids(3, 14));
  auto const found = tested(a, b, {&of_pairs, &of_all}, 99);
  EXPECT_THAT(found[0].refused,
              testing::HasSubstr("only 11 of 17 clusters can change the group (pairs), fewer than 20"));
  EXPECT_TRUE(found[0].p_adjusted.empty() && found[0].p.empty() && found[0].q.empty());
  EXPECT_EQ(found[0].permutations, 0);
  EXPECT_EQ(found[0].t, observed_statistic(paired_t, {Group(a), Group(b)}));
  EXPECT_EQ(found[1].t, observed_statistic(studentised, {Group(a), Group(b)}));
  EXPECT_NE(found[1].refused, "");
  auto const fewer = random_usage(1, ids(0, 12)), others = random_usage(2, ids(3, 60));
  EXPECT_THROW((void)tested(fewer, others, {&of_all, &of_pairs}, 99), ConfigError);  // nine pairs
}

TEST(PermutationTest, FollowsRelabelledExperts) {
  auto a = random_usage(1, ids(0, 30)), b = random_usage(2, ids(100, 30));
  raise(a, 2, .1);
  auto const before = tested(a, b, {&of_all}, 200).front();
  for (auto* table : {&a, &b})
    for (std::size_t c = 0; c < 30; ++c)
      std::reverse(table->count.begin() + static_cast<std::ptrdiff_t>(c * 16),
                   table->count.begin() + static_cast<std::ptrdiff_t>((c + 1) * 16));
  auto after = tested(a, b, {&of_all}, 200).front();
  std::ranges::reverse(after.p_adjusted);
  std::ranges::reverse(after.q);
  EXPECT_EQ(after.p_adjusted, before.p_adjusted);
  EXPECT_EQ(after.q, before.q);
  EXPECT_EQ(after.lambda, before.lambda);
}

}  // namespace
}  // namespace moerae
