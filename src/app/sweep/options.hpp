#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "moerae/keys/key.hpp"

namespace moerae {

/// [sweep]: how a file with lists becomes cells.
struct SweepOptions {
  std::filesystem::path dir;                            ///< everything the sweep writes
  std::vector<std::string> stages{"record", "reduce"};  ///< in the order of swept_stages
  std::vector<std::string> zip;                         ///< groups, KEY + KEY: their values advance together
  std::vector<std::string> exclude;     ///< KEY = VALUE + KEY = VALUE: combinations that are left out
  std::string names;                    ///< of the cells, with {KEY} for values; empty: made of all
  std::optional<std::int64_t> at_once;  ///< tasks of a job array that run at one time; none: no limit
  double gflops = 10;                   ///< of one core, for the estimate of hours
};
[[nodiscard]] std::vector<Key<SweepOptions>> const& sweep_keys();

/// [job.STAGE]: what a job of the stage asks Slurm for; what is empty follows from the plan.
struct JobOptions {
  std::optional<std::int64_t> nodes, tasks, cpus;
  std::string memory;   ///< of a rank: 3G
  std::string time;     ///< 4:00:00
  std::string options;  ///< further words for sbatch
};
[[nodiscard]] std::vector<Key<JobOptions>> const& job_keys();

/// Both sections with help and defaults, for `moerae sweep --help`.
[[nodiscard]] std::string print_sweep_keys();

}  // namespace moerae
