#include "moerae/run/units.hpp"

#include <gtest/gtest.h>

namespace moerae::run {
namespace {

TEST(Bundles, AreFixedByThePlanAndOpenUntilAllPartsAreDone) {
  std::vector<Unit> units;
  for (std::size_t i = 0; i < 5; ++i) units.push_back({{}, i + 1, 0});
  auto const all = open_bundles(units, {}, 2);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].steps, 2U);
  EXPECT_EQ(all[1].steps, 4U);
  EXPECT_EQ(all[2].steps, 5U);
  EXPECT_EQ(all[2].parts[0].unit, 4U);
  EXPECT_EQ(all[2].parts[1].unit, Bundle::nothing);
  auto const later = open_bundles(units, {1, 4}, {1}, 2);
  ASSERT_EQ(later.size(), 2U);
  EXPECT_EQ(later[0].parts[0].unit, 1U);
  EXPECT_TRUE(later[0].parts[0].done);
  EXPECT_EQ(later[1].parts[0].unit, 3U);
  EXPECT_EQ(later[1].parts[1].unit, Bundle::nothing);
  auto const some = open_bundles(units, {0, 1, 2, 4}, 2);
  ASSERT_EQ(some.size(), 1U);
  EXPECT_TRUE(some[0].parts[0].done);
  EXPECT_FALSE(some[0].parts[1].done);
  EXPECT_TRUE(open_bundles(units, {0, 1, 2, 3, 4}, 2).empty());
  auto const first = share_of(all, 0, 2), second = share_of(all, 1, 2);
  EXPECT_EQ(first.size() + second.size(), all.size());
  EXPECT_EQ(second[0].parts[0].unit, 2U);
}

}  // namespace
}  // namespace moerae::run
