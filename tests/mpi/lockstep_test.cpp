#include "moerae/mpi/lockstep.hpp"

#include <gtest/gtest.h>

#include <set>

#include "moerae/mpi/collective.hpp"
#include "moerae/mpi/mailbox.hpp"

namespace moerae::mpi {
namespace {

// Every rank contributes `bad` at step `at` if it is `culprit`; returns the step at which this rank stopped.
int steps_until(Comm const& world, int culprit, int at, Status bad, int steps, Status& outcome) {
  Lockstep lockstep(world);
  outcome = Status::ok;
  int i = 0;
  for (; i < steps && outcome == Status::ok; ++i)
    outcome = lockstep.step(world.rank() == culprit && i >= at ? bad : Status::ok);
  if (outcome == Status::ok) outcome = lockstep.finish();
  return i;
}

TEST(Lockstep, AllRanksLearnOfAStopAtTheSameStep) {
  auto const world = Comm::world();
  for (int at : {0, 3, 9}) {
    Status outcome{};
    int const stopped = steps_until(world, world.size() - 1, at, Status::stop, 10, outcome);
    EXPECT_EQ(outcome, Status::stop);
    EXPECT_EQ(maximum(world, stopped), stopped);
    EXPECT_EQ(-maximum(world, -stopped), stopped);
    EXPECT_LE(stopped, at + 2);
  }
}

TEST(Lockstep, TheWorstStatusWins) {
  auto const world = Comm::world();
  Lockstep lockstep(world);
  auto outcome = lockstep.step(world.rank() == 0 ? Status::error : Status::stop);
  if (outcome == Status::ok) outcome = lockstep.finish();
  EXPECT_EQ(outcome, Status::error);
}

TEST(Lockstep, EndsWellWithoutIncident) {
  auto const world = Comm::world();
  Status outcome{};
  EXPECT_EQ(steps_until(world, -1, 0, Status::stop, 20, outcome), 20);
  EXPECT_EQ(outcome, Status::ok);
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
