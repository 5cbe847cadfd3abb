#pragma once

#include <functional>
#include <string>

namespace moerae {

/// Throws ConfigError when this process is one of N single-rank programs where one job of N ranks was meant:
/// MPI reports one rank, but the step or launcher says N (SLURM_STEP_NUM_TASKS, OMPI_COMM_WORLD_SIZE,
/// PMI_SIZE). N copies of a program in one run directory would overwrite each other. `world_size` is the MPI
/// size; `variable` looks an environment variable up (null: not set).
void check_launch(int world_size, std::function<char const*(char const*)> const& variable);
/// The same with the environment of the process.
void check_launch(int world_size);

}  // namespace moerae
