#include "moerae/model/threads.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "model/crafted.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

TEST(Threads, CpusThatSeveralMayUseAreDivided) {
  EXPECT_EQ(share_of_cpus({"1111"}, 0), 4);
  EXPECT_EQ(share_of_cpus({"1111", "1111"}, 1), 2);
  EXPECT_EQ(share_of_cpus({"111", "111", "111"}, 0), 1);  // thirds
  EXPECT_EQ(share_of_cpus({"1100", "0011"}, 0), 2);       // bound apart
  EXPECT_EQ(share_of_cpus({"11", "111111"}, 1), 5);
  EXPECT_EQ(share_of_cpus({"1", "1", "1"}, 2), 1);
}

TEST(Threads, TheLeastQuotaOnTheWayUpHolds) {
  test::Scratch const root;
  std::filesystem::create_directories(root / "job/step");
  EXPECT_TRUE(std::isinf(cpu_quota(root.path(), "job/step")));
  test::put(root / "job/step/cpu.max", "max 100000\n");
  EXPECT_TRUE(std::isinf(cpu_quota(root.path(), "job/step")));
  test::put(root / "job/cpu.max", "250000 100000\n");
  EXPECT_EQ(cpu_quota(root.path(), "job/step"), 2.5);
  test::put(root / "cpu.max", "100000 100000\n");
  EXPECT_EQ(cpu_quota(root.path(), "job/step"), 1);
}

TEST(Threads, TheQuotaOfTheOlderGroupsHoldsToo) {
  test::Scratch const root;
  std::filesystem::create_directories(root / "cpu/slurm/job");
  test::put(root / "cpu/slurm/job/cpu.cfs_quota_us", "-1\n");
  test::put(root / "cpu/slurm/job/cpu.cfs_period_us", "100000\n");
  EXPECT_TRUE(std::isinf(cpu_quota(root.path(), "cpu/slurm/job")));
  test::put(root / "cpu/slurm/cpu.cfs_quota_us", "350000\n");
  test::put(root / "cpu/slurm/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_quota(root.path(), "cpu/slurm/job"), 3.5);
}

TEST(Threads, GroupsOfBothHierarchies) {
  std::istringstream membership("12:cpuset:/slurm/a\n4:cpu,cpuacct:/slurm/job\n3:memory:/m\n0::/user/step\n");
  EXPECT_EQ(cpu_groups(membership), (std::vector<std::filesystem::path>{"cpu/slurm/job", "user/step"}));
  std::istringstream without("1:name=systemd:/x\n\nnot a line\n");
  EXPECT_TRUE(cpu_groups(without).empty());
}

TEST(Threads, OneOnOnePermittedCpu) {
  int alone = 0;
  std::thread([&] {  // affinity belongs to a thread
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    alone = threads_of_rank({});
  })
      .join();
  EXPECT_EQ(alone, 1);
}

TEST(Threads, SlurmGrantsATaskItsCpus) {
  ::setenv("SLURM_CPUS_PER_TASK", "1", 1);
  EXPECT_EQ(threads_of_rank({}), 1);
  ::unsetenv("SLURM_CPUS_PER_TASK");
}

}  // namespace
}  // namespace moerae
