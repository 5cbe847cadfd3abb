// At 1, 2 and 4 ranks; groups of two where the ranks allow.
#include "moerae/run/drive.hpp"

#include <gtest/gtest.h>

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/mpi/grid.hpp"

namespace moerae::run {
namespace {

using mpi::Status;

// Busy for `steps` steps, each with one exchange; fails or asks to stop at step `at`.
struct Counted final : Work {
  Counted(mpi::GroupStatus& status, int own) : group(status), steps(own) {}
  [[nodiscard]] bool finished() const override { return done >= steps; }
  void step() override {
    if (done == fail_at) throw DataError("this rank failed");
    (void)group.counts(std::vector<int>(static_cast<std::size_t>(group.size())));
    if (done == fail_between) throw DataError("peers wait for rows");
    group.rows_done();
    ++done;
  }
  void idle() override {
    if (fail_idle) throw DataError("failed while idle");
    ++idled;
  }
  mpi::GroupStatus& group;
  int steps, done = 0, idled = 0, fail_at = -1, fail_between = -1;
  bool fail_idle = false;
};

class Drive : public testing::Test {
 protected:
  mpi::Comm world_ = mpi::Comm::world();
  mpi::Grid grid_ = mpi::Grid::over(world_, world_.size() % 2 == 0 ? 2 : 1);
  mpi::GroupStatus status_{grid_.experts};
  bool last_ = world_.rank() == world_.size() - 1;
  std::function<bool()> never_ = [] { return false; };
};

TEST_F(Drive, EndsWhenTheLastRankHasNothingLeft) {
  Counted work(status_, 5 + 2 * world_.rank());  // nobody knows what the others have
  EXPECT_EQ(drive(world_, status_, work, never_), Status::idle);
  EXPECT_TRUE(work.finished());
  // a rank whose own work is over goes on with its group, and with nobody else
  int longest = 0;
  for (int m = 0; m < grid_.expert_width; ++m)
    longest = std::max(longest, 5 + 2 * (grid_.group * grid_.expert_width + m));
  EXPECT_EQ(work.done, longest);
  if (grid_.group < grid_.data_width - 1) {
    EXPECT_GT(work.idled, 0);
  }
}

// Parts that a group begins together; how many steps one takes differs from rank to rank.
struct Parts final : Work {
  Parts(mpi::GroupStatus& status, int rank) : group(status), mine(rank) {}
  [[nodiscard]] bool through() const { return done >= 1 + (part + mine) % 3; }
  [[nodiscard]] bool finished() const override { return part + 1 == parts && through(); }
  [[nodiscard]] bool waiting() const override { return through() && !finished(); }
  void go_on() override {
    ++part;
    done = 0;
  }
  void step() override {
    std::vector<int> const to(static_cast<std::size_t>(group.size()), part);
    for (auto const theirs : group.counts(to)) together = together && theirs == part;
    group.rows_done();
    ++done;
  }
  void idle() override {}
  mpi::GroupStatus& group;
  int mine, part = 0, done = 0;
  static constexpr int parts = 7;
  bool together = true;
};

TEST_F(Drive, AGroupBeginsEveryPartTogether) {
  Parts work(status_, world_.rank());
  EXPECT_EQ(drive(world_, status_, work, never_), Status::idle);
  EXPECT_TRUE(work.finished());
  EXPECT_TRUE(work.together);
}

TEST_F(Drive, WithoutWorkNothingIsStepped) {
  Counted work(status_, 0);
  EXPECT_EQ(drive(world_, status_, work, never_), Status::idle);
  EXPECT_EQ(work.done, 0);
}

TEST_F(Drive, AStopOnOneRankEndsAllAtTheirNextStep) {
  Counted work(status_, 1000);
  EXPECT_EQ(drive(world_, status_, work, [&] { return last_ && work.done == 7; }), Status::stop);
  EXPECT_GE(work.done, 7);
  EXPECT_LE(work.done, 9);
}

TEST_F(Drive, AFailureIsEverybodysErrorAndNobodyHangs) {
  for (int const at : {0, 6}) {
    Counted work(status_, 1000);
    if (last_) work.fail_at = at;
    try {
      (void)drive(world_, status_, work, never_);
      ADD_FAILURE() << "no error";
    } catch (mpi::AgreedError const& error) {
      EXPECT_NE(std::string(error.what()).find("this rank failed"), std::string::npos) << error.what();
      EXPECT_EQ(error.code(), ExitCode::bad_data);
    }
    status_ = mpi::GroupStatus(grid_.experts);
  }
}

TEST_F(Drive, AFailureBetweenStepsOfOthersIsToldToo) {
  if (grid_.data_width == 1) GTEST_SKIP() << "needs two groups";
  Counted work(status_, grid_.group == 0 ? 0 : 50);
  work.fail_idle = world_.rank() == 0;
  EXPECT_THROW((void)drive(world_, status_, work, never_), mpi::AgreedError);
}

TEST_F(Drive, AFailureWhilePeersWaitForRowsIsThrownAtOnce) {
  Counted work(status_, 3);
  work.fail_between = 0;          // on every rank, before anything is under way between groups: nobody waits
  if (grid_.expert_width == 1) {  // alone, it can be told
    EXPECT_THROW((void)drive(world_, status_, work, never_), mpi::AgreedError);
  } else {
    EXPECT_THROW((void)drive(world_, status_, work, never_), DataError);
  }
}

}  // namespace
}  // namespace moerae::run
