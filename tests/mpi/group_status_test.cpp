#include "moerae/mpi/group_status.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/transport.hpp"

namespace moerae::mpi {
namespace {

std::vector<int> of_all(Comm const& world, int count) {
  return std::vector<int>(static_cast<std::size_t>(world.size()), count);
}

TEST(GroupStatus, CountsCrossOver) {
  auto const world = Comm::world();
  GroupStatus status(world);
  std::vector<int> to = of_all(world, 0), expected = to;
  std::iota(to.begin(), to.end(), 10 * world.rank());  // rank r has 10 r + s rows for rank s
  for (int s = 0; s < world.size(); ++s) expected[static_cast<std::size_t>(s)] = 10 * s + world.rank();
  EXPECT_EQ(status.counts(to), expected);
}

TEST(GroupStatus, AStopTravelsAndTheNextStepIsFree) {
  auto const world = Comm::world();
  GroupStatus status(world);
  EXPECT_EQ(status.finish_step(world.rank() == world.size() - 1 ? Status::stop : Status::busy), Status::stop);
  EXPECT_EQ(status.finish_step(Status::busy), Status::busy);
}

TEST(GroupStatus, AFailureReleasesPeersThatBeginAnExchangeOrEndAStep) {
  auto const world = Comm::world();
  for (bool const in_exchange : {true, false}) {
    GroupStatus status(world);
    if (world.rank() == 0) {
      EXPECT_TRUE(status.announce_failure());
    } else if (in_exchange) {
      EXPECT_THROW((void)status.counts(of_all(world, 1)), PeerFailure);
    } else {
      EXPECT_THROW((void)status.finish_step(Status::busy), PeerFailure);
    }
  }
}

TEST(GroupStatus, AFailureCannotBeToldWhileRowsMove) {
  auto const world = Comm::world();
  GroupStatus status(world);
  (void)status.counts(of_all(world, 1));
  EXPECT_EQ(status.announce_failure(), world.size() == 1);  // alone there is nobody to tell
  status.rows_done();
  EXPECT_TRUE(status.announce_failure());
}

// Rank r sends r + s rows to rank s, each of which says where it comes from and where it goes.
TEST(Transport, RowsComeInOrderOfTheRanks) {
  auto const world = Comm::world();
  MpiTransport transport(world);
  using Row = std::array<int, 3>;
  std::vector<int> counts;
  std::vector<Row> from, expected;
  for (int s = 0; s < world.size(); ++s) {
    counts.push_back(world.rank() + s);
    for (int i = 0; i < world.rank() + s; ++i) {
      from.push_back({world.rank(), s, i});
      expected.push_back({s, world.rank(), i});
    }
  }
  RowCounts const both(counts);  // what goes to a rank is as much as comes from it
  EXPECT_EQ(both.total(), static_cast<std::int64_t>(from.size()));
  std::vector<Row> to(from.size());
  transport.rows(from.data(), both, to.data(), both, sizeof(Row));
  EXPECT_EQ(to, expected);
}

}  // namespace
}  // namespace moerae::mpi
