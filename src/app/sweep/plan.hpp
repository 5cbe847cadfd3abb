#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/sweep/layout.hpp"
#include "app/sweep/sweep.hpp"

namespace moerae {

/// What a job asks for.
struct JobSize {
  std::int64_t tasks = 1, cpus = 1;  ///< ranks, and cores of each
  std::int64_t memory = 0;           ///< bytes of a rank
  double hours = 0;                  ///< estimate
  std::string limit;                 ///< of time, H:MM:SS
  std::string options;               ///< words for sbatch, all of it
};

/// A stage of a run.
struct SweepTask {
  std::string stage;
  nlohmann::ordered_json inputs;  ///< those of its inputs that are known beforehand
  JobSize size;
};

/// A run directory with its study: that of a cell, or what several cells share, a record or a reduction of
/// it.
struct SweepRun {
  std::string name;
  Study study;
  std::vector<std::pair<std::string, std::string>> values;  ///< what varies, as given; of a cell
  std::vector<SweepTask> tasks;                             ///< in order
  std::string from;       ///< name of the run that it reads (run.from); empty: none
  std::size_t slot = 0;   ///< number of the record: all that is made of it have the same
  std::size_t lane = 0;   ///< number among those
  std::size_t users = 0;  ///< runs that are made of it, of a record
};

struct SweepPlan {
  SweepOptions options;
  std::vector<SweepRun> runs;  ///< records first, then shared reductions, then cells
  std::size_t records = 0, reductions = 0, excluded = 0;
};

/// Looks at every model and corpus, finds what cells share and what every job needs: cells whose inputs by
/// the table of keys are equal have one record (and attribution), and one reduction where they differ in what
/// comes behind it. Reads only. Throws one ConfigError with the faults of all cells.
[[nodiscard]] SweepPlan plan_sweep(Sweep const& sweep);

}  // namespace moerae
