#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moerae/mpi/comm.hpp"

namespace moerae {

/// CPUs one process of a host may count on. `allowed[r][c]` is '1' where process r may run on CPU c: a CPU
/// that several may use is divided among them. At least 1.
[[nodiscard]] int share_of_cpus(std::vector<std::string> const& allowed, std::size_t self);

/// CPUs that the control group at `group` below `root`, or one above it, grants by its `cpu.max` (cgroup v2).
/// Infinity where none limits them.
[[nodiscard]] double cpu_quota(std::filesystem::path const& root, std::filesystem::path const& group);

/// Threads for a rank: its share of the CPUs by affinity, at most its share of the control group's quota and
/// SLURM_CPUS_PER_TASK. Collective over the ranks of one host.
[[nodiscard]] int threads_of_rank(mpi::Comm const& host);

}  // namespace moerae
