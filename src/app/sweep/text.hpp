#pragma once

#include <string>

#include "app/sweep/plan.hpp"

namespace moerae {

/// What `moerae sweep` prints: every job with ranks, memory and hours, which cells share a record, sums.
[[nodiscard]] std::string describe_sweep(SweepPlan const& plan);

/// Writes what the plan says below sweep.dir: NAME.ini of every run, sweep.json (which runs and stages there
/// are, for `status`) and tasks.tsv (the jobs, for slurm/submit.sh). What is the same already is left alone.
void write_sweep(SweepPlan const& plan);

}  // namespace moerae
