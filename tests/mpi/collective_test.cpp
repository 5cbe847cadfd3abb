#include "moerae/mpi/collective.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/grid.hpp"

namespace moerae::mpi {
namespace {

TEST(Collective, SumAndMaximumOverRanks) {
  auto const world = Comm::world();
  std::vector<std::int64_t> values{world.rank() + 1, 10};
  sum(world, std::span(values));
  EXPECT_EQ(values[0], world.size() * (world.size() + 1) / 2);
  EXPECT_EQ(values[1], 10 * world.size());
  EXPECT_EQ(maximum(world, world.rank()), world.size() - 1);
}

TEST(Collective, StringsOfAnyLengthArriveInRankOrder) {
  auto const world = Comm::world();
  auto const all = gather_all(world, std::string(static_cast<std::size_t>(world.rank()) * 3, 'x'));
  ASSERT_EQ(all.size(), static_cast<std::size_t>(world.size()));
  for (std::size_t r = 0; r < all.size(); ++r) EXPECT_EQ(all[r], std::string(r * 3, 'x'));
  EXPECT_EQ(broadcast(world, std::string(world.rank() == 0 ? "from the root" : ""), 0), "from the root");
}

TEST(Collective, ASerialCommNeedsNoPeer) {
  Comm const serial;
  EXPECT_EQ(serial.size(), 1);
  EXPECT_EQ(sum(serial, std::int64_t{7}), 7);
  EXPECT_EQ(gather_all(serial, "a"), std::vector<std::string>{"a"});
  EXPECT_TRUE(serial.split(0, 0).serial());
}

TEST(Grid, RanksOfAGroupAreNeighbours) {
  auto const world = Comm::world();
  int const width = world.size() % 2 == 0 ? 2 : 1;
  auto const grid = Grid::over(world, width);
  EXPECT_EQ(grid.experts.size(), width);
  EXPECT_EQ(grid.experts.rank(), grid.member);
  EXPECT_EQ(grid.group * width + grid.member, world.rank());
  EXPECT_EQ(grid.data_width * grid.expert_width, world.size());
}

TEST(Grid, RefusesAWidthThatDoesNotDivide) {
  auto const world = Comm::world();
  EXPECT_THROW((void)Grid::over(world, world.size() + 1), AgreedError);
  EXPECT_THROW((void)Grid::over(world, 0), AgreedError);
}

}  // namespace
}  // namespace moerae::mpi
