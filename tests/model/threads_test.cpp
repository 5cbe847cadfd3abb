#include "model/threads.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <cstdlib>
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
