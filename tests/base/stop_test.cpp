#include "moerae/base/stop.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

namespace moerae {
namespace {

TEST(StopRequest, NothingIsRequestedAtFirst) {
  StopRequest const stop;
  EXPECT_FALSE(stop.requested());
  EXPECT_EQ(stop.reason(), "");
}

class StopSignal : public testing::TestWithParam<std::pair<int, std::string>> {};
TEST_P(StopSignal, IsSeenAndNamed) {
  auto const [signal, name] = GetParam();
  StopRequest const stop;
  std::raise(signal);
  EXPECT_TRUE(stop.requested());
  EXPECT_EQ(stop.reason(), name);
}
INSTANTIATE_TEST_SUITE_P(Signals, StopSignal,
                         testing::Values(std::pair{SIGUSR1, std::string("SIGUSR1")},
                                         std::pair{SIGTERM, std::string("SIGTERM")}));

TEST(StopRequest, ANewOneForgetsOldSignals) {
  {
    StopRequest const first;
    std::raise(SIGUSR1);
  }
  EXPECT_FALSE(StopRequest{}.requested());
}

TEST(StopRequest, RestoresTheFormerHandlers) {
  std::signal(SIGUSR1, SIG_IGN);
  { StopRequest const stop; }
  EXPECT_EQ(std::signal(SIGUSR1, SIG_DFL), SIG_IGN);
}

TEST(StopRequest, PassesTheWallLimit) {
  StopRequest const far(3600);
  EXPECT_FALSE(far.requested());
}

TEST(StopRequest, StopsAfterTheWallLimit) {
  StopRequest const stop(0.01);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(stop.requested());
  EXPECT_EQ(stop.reason(), "the wall limit of 0.01 s");
}

TEST(StopRequest, OneAtATime) {
  StopRequest const stop;
  EXPECT_THROW(StopRequest{}, std::logic_error);
}

}  // namespace
}  // namespace moerae
