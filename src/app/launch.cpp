#include "app/launch.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

struct Launcher {
  char const* variable;
  char const* advice;
};

constexpr Launcher launchers[] = {
    {"SLURM_STEP_NUM_TASKS",
     "start it with `srun --mpi=pmix` (`srun --mpi=list` shows what this Slurm has) or with mpirun"},
    {"OMPI_COMM_WORLD_SIZE",
     "use the mpirun of the Open MPI that the program was built with (`moerae info`)"},
    {"PMI_SIZE", "use the launcher of the MPI that the program was built with (`moerae info`)"},
};

int number(char const* text) {
  int value = 0;
  auto const* const end = text + std::strlen(text);
  auto const [stop, error] = std::from_chars(text, end, value);
  return error == std::errc{} && stop == end ? value : 0;
}

}  // namespace

// Larger worlds are never refused: under mpirun, SLURM_STEP_NUM_TASKS counts the daemons of the step, not the
// ranks.
void check_launch(int world_size, std::function<char const*(char const*)> const& variable) {
  if (world_size != 1) return;
  for (auto const& launcher : launchers) {
    auto const* const text = variable(launcher.variable);
    auto const tasks = text == nullptr ? 0 : number(text);
    validate<ConfigError>(
        tasks <= 1,
        "{} = {}, but MPI counts 1 rank: {} single programs were started instead of one job of {}, and "
        "they would overwrite each other's files; {}. If one rank is meant, unset {}",
        launcher.variable, tasks, tasks, tasks, launcher.advice, launcher.variable);
  }
}

void check_launch(int world_size) {
  check_launch(world_size, [](char const* name) { return std::getenv(name); });
}

}  // namespace moerae
