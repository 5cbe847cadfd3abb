#include "reduce/contrast/relabelling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "reduce/significance/made_groups.hpp"

namespace moerae {
namespace {

using test::clusters_of;
using testing::ElementsAre;

constexpr PermuteWithin anything{.topic = false, .length = false};

std::vector<std::uint32_t> moments(Relabelling const& exchange, std::uint32_t replicates) {
  std::vector<std::uint32_t> ones(exchange.units().size(), 0);
  for (std::uint32_t r = 0; r < replicates; ++r) {
    auto const labels = exchange.relabelled(3, r);
    for (std::size_t u = 0; u < ones.size(); ++u) ones[u] += labels[u];
  }
  return ones;
}

// Of the clusters that are no pair.
std::int32_t strata_of(Relabelling const& exchange) {
  std::int32_t strata = 0;
  for (auto const& unit : exchange.units())
    if (!unit.pair()) strata = std::max(strata, unit.stratum + 1);
  return strata;
}

TEST(Relabelling, UnitsAscendAndKnowTheirRows) {
  Relabelling const exchange(clusters_of({2, 5, 9}), clusters_of({1, 5, 11}), anything);
  ASSERT_EQ(exchange.units().size(), 5);
  std::vector<std::int64_t> ids;
  for (auto const& unit : exchange.units()) ids.push_back(unit.cluster);
  EXPECT_THAT(ids, ElementsAre(1, 2, 5, 9, 11));
  EXPECT_TRUE(exchange.units()[2].pair());
  EXPECT_EQ(exchange.units()[2].a, 1);
  EXPECT_EQ(exchange.units()[2].b, 1);
  EXPECT_EQ(exchange.units()[4].a, -1);
  EXPECT_THAT(exchange.observed(), ElementsAre(0, 1, 1, 1, 0));
  EXPECT_EQ(exchange.pairs(), 1);
  EXPECT_EQ(exchange.movable(), 5);
  EXPECT_DOUBLE_EQ(exchange.smallest_p(1000000), 1.0 / (2 * 6));  // a swap, and 4 choose 2
  EXPECT_DOUBLE_EQ(exchange.smallest_p(3), .25);
}

TEST(Relabelling, EachStratumKeepsAsManyOfGroupA) {
  auto a = clusters_of({0, 1, 2, 3, 4, 5}), b = clusters_of({10, 11, 12, 13});
  a.topic = {1, 1, 1, 2, 2, 4};
  b.topic = {1, 2, 2, 3};
  Relabelling const exchange(a, b, {.topic = true, .length = false});
  EXPECT_EQ(strata_of(exchange), 4);
  EXPECT_EQ(exchange.movable(), 8);  // topics 3 and 4 have one group only
  EXPECT_NEAR(exchange.smallest_p(1000000), 1.0 / (4 * 6), 1e-12);
  std::set<std::string> seen;
  for (std::uint32_t r = 0; r < 500; ++r) {
    auto const labels = exchange.relabelled(3, r);
    std::map<std::int32_t, int> in_a;
    for (std::size_t u = 0; u < labels.size(); ++u) in_a[exchange.units()[u].stratum] += labels[u];
    EXPECT_THAT(in_a, ElementsAre(testing::Pair(0, 3), testing::Pair(1, 2), testing::Pair(2, 0),
                                  testing::Pair(3, 1)));
    seen.emplace(labels.begin(), labels.end());
  }
  EXPECT_EQ(seen.size(), 24);  // every relabelling comes
}

TEST(Relabelling, EveryUnitMovesAsOftenAsItShould) {
  // 40 pairs, 20 clusters of a among 80: 4,000 draws, standard error at most .8 %
  std::vector<std::int64_t> ids_a(60), ids_b(100);
  std::iota(ids_a.begin(), ids_a.end(), 0);
  std::iota(ids_b.begin(), ids_b.end(), 20);
  Relabelling const exchange(clusters_of(ids_a), clusters_of(ids_b), anything);
  ASSERT_EQ(exchange.pairs(), 40);
  auto const ones = moments(exchange, 4000);
  for (std::size_t u = 0; u < ones.size(); ++u)
    EXPECT_NEAR(ones[u] / 4000.0, exchange.units()[u].pair() ? .5 : .25, .04) << u;
}

TEST(Relabelling, DoesNotDependOnWhatStandsBeside) {
  // a pair has its own coin, and clusters of one stratum keep their order, whatever else is there
  auto a = clusters_of({1, 2, 3, 4, 30}), b = clusters_of({1, 2, 11, 12});
  a.topic = {0, 0, 1, 1, 2};
  b.topic = {0, 0, 1, 1};
  auto fewer_a = clusters_of({1, 3, 4}), fewer_b = clusters_of({1, 11, 12});
  fewer_a.topic = {0, 1, 1};
  fewer_b.topic = {0, 1, 1};
  PermuteWithin const topic{.topic = true, .length = false};
  Relabelling const all(a, b, topic), fewer(fewer_a, fewer_b, topic);
  std::map<std::int64_t, std::size_t> place;
  for (std::size_t u = 0; u < all.units().size(); ++u) place[all.units()[u].cluster] = u;
  for (std::uint32_t r = 0; r < 50; ++r) {
    auto const labels = all.relabelled(8, r), those = fewer.relabelled(8, r);
    for (std::size_t u = 0; u < those.size(); ++u)
      EXPECT_EQ(those[u], labels[place[fewer.units()[u].cluster]]) << r;
  }
}

TEST(Relabelling, LengthsAreEighthsAndEqualOnesStayTogether) {
  std::vector<std::int64_t> ids(16), other(16);
  std::iota(ids.begin(), ids.end(), 0);
  std::iota(other.begin(), other.end(), 100);
  auto a = clusters_of(ids), b = clusters_of(other);
  for (std::size_t i = 0; i < 16; ++i) {
    a.length[i] = static_cast<std::int64_t>(2 * i);
    b.length[i] = static_cast<std::int64_t>(2 * i + 1);
  }
  Relabelling const exchange(a, b, {});
  EXPECT_EQ(strata_of(exchange), 8);
  for (std::size_t u = 0; u < 32; ++u)
    EXPECT_EQ(exchange.units()[u].stratum, static_cast<std::int32_t>(u % 16 / 2)) << u;
  std::ranges::fill(a.length, 5);
  std::ranges::fill(b.length, 5);
  EXPECT_EQ(strata_of(Relabelling(a, b, {})), 1);
  // long against short: nothing can be exchanged
  std::ranges::fill(b.length, 6);
  EXPECT_EQ(Relabelling(a, b, {}).movable(), 0);
  EXPECT_EQ(Relabelling(a, b, {}).smallest_p(99), 1);
  EXPECT_EQ(Relabelling(a, b, {}).relabelled(1, 1), Relabelling(a, b, {}).observed());
}

}  // namespace
}  // namespace moerae
