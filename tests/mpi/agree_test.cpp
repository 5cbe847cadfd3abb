#include "moerae/mpi/agree.hpp"

#include <gmock/gmock.h>

#include "moerae/base/check.hpp"

namespace moerae::mpi {
namespace {

using testing::HasSubstr;

TEST(Agree, PassesWhenNobodyFails) {
  auto const world = Comm::world();
  EXPECT_NO_THROW(agree(world, [] {}));
}

TEST(Agree, EveryRankThrowsTheErrorOfTheOneThatFailed) {
  auto const world = Comm::world();
  int const failing = world.size() - 1;
  try {
    agree(world, [&] {
      if (world.rank() == failing) throw DataError("shard-3.h5: truncated");
    });
    FAIL() << "no error on rank " << world.rank();
  } catch (AgreedError const& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("shard-3.h5: truncated"));
    if (world.size() > 1) {
      EXPECT_THAT(error.what(), HasSubstr(fmt::format("rank {} of {}", failing, world.size())));
    }
  }
}

TEST(Agree, AnErrorThatAllShareIsGivenOnceAndPlain) {
  auto const world = Comm::world();
  try {
    agree(world, [] { throw ConfigError("grid.expert = 0"); });
    FAIL();
  } catch (AgreedError const& error) {
    EXPECT_STREQ(error.what(), "grid.expert = 0");
    EXPECT_EQ(error.code(), ExitCode::bad_configuration);
  }
}

TEST(Agree, PeersOfAFailedRankDoNotHideItsError) {
  auto const world = Comm::world();
  if (world.size() == 1) GTEST_SKIP() << "needs a peer";
  try {
    agree(world, [&] {
      if (world.rank() == 1) throw Error("disk full");
      throw PeerFailure();
    });
    FAIL();
  } catch (AgreedError const& error) {
    EXPECT_THAT(error.what(), HasSubstr("disk full"));
  }
}

}  // namespace
}  // namespace moerae::mpi
