#include "reduce/replication/halves.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "reduce/replication/half_rows.hpp"
#include "reduce/topic_behaviour/topic_world.hpp"

namespace moerae {
namespace {

using test::half_rows;
using test::TopicWorld;

TEST(Halves, KeepPairsTogetherAndAreEven) {
  auto a = TopicWorld{.clusters = 41}.table(0), b = TopicWorld{.clusters = 41}.table(1);
  std::vector<std::size_t> const some{0, 3, 4, 5, 9, 10, 11, 12, 20, 21, 30, 31, 32, 40};
  b = rows_of(b, some);
  for (std::uint32_t split = 0; split < 5; ++split) {
    auto const halves = split_halves(a, b, 7, split);
    EXPECT_EQ(halves.clusters, a.clusters);
    auto const in_a = half_rows(halves, a), in_b = half_rows(halves, b);
    EXPECT_LE(std::max(in_a[0].size(), in_a[1].size()), 21U);
    EXPECT_EQ(in_b[0].size(), 7U);
    for (std::size_t half = 0; half < 2; ++half) {
      std::set<std::int64_t> of_a;
      std::array<int, 4> topics{};
      for (auto const row : in_a[half]) {
        of_a.insert(a.clusters[row]);
        ++topics[static_cast<std::size_t>(a.topic[row])];
      }
      EXPECT_THAT(topics, testing::Each(testing::AllOf(testing::Ge(4), testing::Le(6))));
      for (auto const row : in_b[half]) EXPECT_TRUE(of_a.contains(b.clusters[row]));
    }
    EXPECT_NE(split_halves(a, b, 7, split + 1).second, halves.second);
    EXPECT_NE(split_halves(a, b, 8, split).second, halves.second);
    EXPECT_EQ(split_halves(a, b, 7, split).second, halves.second);
  }
}

TEST(Halves, AreEvenInBothGroupsWhateverIsPaired) {
  auto const whole = TopicWorld{.clusters = 8, .topics = 1}.table(0);
  std::vector<std::size_t> const of_a{0, 1, 2, 3}, of_b{0, 1, 2, 5, 6, 7};  // 3 pairs, 1 and 3 others
  auto const a = rows_of(whole, of_a), b = rows_of(whole, of_b);
  for (std::uint32_t split = 0; split < 5; ++split) {
    auto const halves = split_halves(a, b, 1, split);
    EXPECT_EQ(half_rows(halves, a)[0].size(), 2U);
    EXPECT_EQ(half_rows(halves, b)[0].size(), 3U);
  }
}

}  // namespace
}  // namespace moerae
