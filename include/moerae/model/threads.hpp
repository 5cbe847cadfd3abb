#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include "moerae/mpi/comm.hpp"

namespace moerae {

/// CPUs one process of a host may count on. `allowed[r][c]` is '1' where process r may run on CPU c: a CPU
/// that several may use is divided among them. At least 1.
[[nodiscard]] int share_of_cpus(std::vector<std::string> const& allowed, std::size_t self);

/// The control groups that may limit the CPUs of a process, relative to /sys/fs/cgroup, from the text of
/// /proc/self/cgroup: the one of the unified hierarchy (v2) and that of the controller cpu (v1).
[[nodiscard]] std::vector<std::filesystem::path> cpu_groups(std::istream& membership);

/// CPUs that the control group at `group` below `root`, or one above it, grants by its `cpu.max` (v2) or its
/// `cpu.cfs_quota_us` (v1). Infinity where none limits them.
[[nodiscard]] double cpu_quota(std::filesystem::path const& root, std::filesystem::path const& group);

/// Threads for a rank: its share of the CPUs by affinity, at most its share of the control group's quota and
/// SLURM_CPUS_PER_TASK. Collective over the ranks of one host.
[[nodiscard]] int threads_of_rank(mpi::Comm const& host);

}  // namespace moerae
