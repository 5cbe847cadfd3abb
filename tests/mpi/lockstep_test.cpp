#include "moerae/mpi/lockstep.hpp"

#include <gtest/gtest.h>

#include <set>

#include "moerae/mpi/collective.hpp"
#include "moerae/mpi/mailbox.hpp"

namespace moerae::mpi {
namespace {

// Every rank is busy for `mine` steps, and `culprit` says `bad` at step `at`; the number of calls until all
// know.
int calls_until(Comm const& world, int mine, int culprit, int at, Status bad, Status& outcome) {
  Lockstep lockstep(world);
  outcome = Status::busy;
  int i = 0;
  for (; outcome == Status::busy; ++i)
    outcome = lockstep.step(world.rank() == culprit && i >= at ? bad
                            : i < mine                         ? Status::busy
                                                               : Status::idle);
  return i;
}

TEST(Lockstep, AllRanksLearnOfAStopAtTheSameStep) {
  auto const world = Comm::world();
  for (int at : {0, 3, 9}) {
    Status outcome{};
    int const stopped = calls_until(world, 10, world.size() - 1, at, Status::stop, outcome);
    EXPECT_EQ(outcome, Status::stop);
    EXPECT_EQ(maximum(world, stopped), stopped);
    EXPECT_EQ(-maximum(world, -stopped), stopped);
    EXPECT_LE(stopped, at + 2);
  }
}

TEST(Lockstep, TheWorstStatusWins) {
  auto const world = Comm::world();
  Lockstep lockstep(world);
  auto const mine = world.rank() == 0 ? Status::error : Status::stop;
  auto outcome = lockstep.step(mine);
  if (outcome == Status::busy) outcome = lockstep.step(mine);
  EXPECT_EQ(outcome, Status::error);
}

TEST(Lockstep, EndsForAllWhenTheLastIsIdle) {
  auto const world = Comm::world();
  Status outcome{};
  int const longest = 20 + 3 * (world.size() - 1);
  int const calls = calls_until(world, 20 + 3 * world.rank(), -1, 0, Status::stop, outcome);
  EXPECT_EQ(outcome, Status::idle);
  EXPECT_EQ(calls, longest + 2);  // the step that says idle, and the one that hears it
}

TEST(Mailbox, EveryMessageArrivesOnce) {
  auto const world = Comm::world();
  Mailbox mailbox(world);
  std::multiset<std::string> got;
  for (int i = 0; i < 50; ++i) {
    mailbox.post(std::to_string(world.rank()) + ":" + std::to_string(i) +
                 std::string(static_cast<std::size_t>(i) * 20, '.'));
    if (i % 7 == 0)
      for (auto& text : mailbox.collect()) got.insert(text);
  }
  for (auto& text : mailbox.finish()) got.insert(text);
  if (world.rank() != 0) {
    EXPECT_TRUE(got.empty());
    return;
  }
  EXPECT_EQ(got.size(), static_cast<std::size_t>(50 * world.size()));
  EXPECT_EQ(std::set<std::string>(got.begin(), got.end()).size(), got.size());
}

}  // namespace
}  // namespace moerae::mpi
