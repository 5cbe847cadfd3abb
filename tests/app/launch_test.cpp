#include "app/launch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

std::string refusal(int world, std::map<std::string, std::string> const& environment) {
  try {
    check_launch(world, [&](char const* name) {
      auto const at = environment.find(name);
      return at == environment.end() ? nullptr : at->second.c_str();
    });
  } catch (ConfigError const& error) {
    return error.what();
  }
  return {};
}

class LaunchVariable : public testing::TestWithParam<std::string> {};
TEST_P(LaunchVariable, SingletonsAreRefusedWithNameValueAndAdvice) {
  auto const message = refusal(1, {{GetParam(), "4"}});
  EXPECT_THAT(message, testing::HasSubstr(GetParam() + " = 4"));
  EXPECT_THAT(message, testing::HasSubstr("MPI counts 1 rank"));
  EXPECT_THAT(message, testing::HasSubstr("unset " + GetParam()));
}
INSTANTIATE_TEST_SUITE_P(All, LaunchVariable,
                         testing::Values("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"));

TEST(Launch, OneJobIsAccepted) {
  EXPECT_EQ(refusal(4, {{"OMPI_COMM_WORLD_SIZE", "4"}}), "");
  EXPECT_EQ(refusal(1, {}), "");
  EXPECT_EQ(refusal(1, {{"OMPI_COMM_WORLD_SIZE", "1"}, {"SLURM_STEP_NUM_TASKS", "1"}}), "");
}

TEST(Launch, DaemonsOfMpirunUnderSlurmAreNotRanks) {
  EXPECT_EQ(refusal(64, {{"SLURM_STEP_NUM_TASKS", "3"}, {"OMPI_COMM_WORLD_SIZE", "64"}}), "");
}

TEST(Launch, WhatIsNotANumberIsIgnored) {
  EXPECT_EQ(refusal(1, {{"PMI_SIZE", "4x"}}), "");
}

TEST(Launch, ReadsTheEnvironmentOfTheProcess) {
  setenv("PMI_SIZE", "2", 1);
  EXPECT_THROW(check_launch(1), ConfigError);
  unsetenv("PMI_SIZE");
}

}  // namespace
}  // namespace moerae
