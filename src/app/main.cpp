// moerae COMMAND [STUDY.ini] [--section.key VALUE ...]: the only place with exit codes, MPI_Abort and a
// catch-all.

#include <mpi.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "app/commands.hpp"
#include "app/context.hpp"
#include "app/launch.hpp"
#include "moerae/base/build_info.hpp"
#include "moerae/base/log.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/environment.hpp"
#include "moerae/run/journal.hpp"

namespace moerae {
namespace {

// Before MPI is up only the launcher knows who is first.
bool launched_first() {
  for (auto const* variable : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (auto const* rank = std::getenv(variable)) return std::string_view(rank) == "0";
  return true;
}

int print(std::string const& text) {
  return std::fputs(text.c_str(), stdout) < 0 ? 1 : 0;
}

int complain(char const* message, ExitCode code) {
  std::fprintf(stderr, "moerae: error: %s\n", message);
  return static_cast<int>(code);
}

/// `run_dir`: where the end of the command is noted; empty until it is known.
ExitCode run(mpi::Comm const& world, CommandLine const& line, std::string words,
             std::filesystem::path& run_dir) {
  if (line.command->one_job) check_launch(world.size());
  Study study;
  mpi::agree(world, [&] {
    if (line.command->takes == Command::Takes::study) study = read_study(line.study);
  });
  if (line.command->one_job) run_dir = study.run.dir;
  return std::get<Stage>(line.command->run)({world, std::move(words)}, study);
}

// Whoever fails alone takes the others along: they wait for it in some collective call.
int run_agreed(CommandLine const& line, std::string words) {
  auto const world = mpi::Comm::world();
  start_log(world.rank(), world.size());
  ExitCode code = ExitCode::failure;
  std::string message = "unknown failure";
  std::filesystem::path run_dir;
  auto const note = [&](ExitCode end, std::string const& why) {
    run::note_end(run_dir, line.command->name, end, why);
  };
  try {
    auto const end = run(world, line, std::move(words), run_dir);
    if (world.rank() == 0) note(end, "");
    return static_cast<int>(end);
  } catch (mpi::AgreedError const& error) {
    if (world.rank() == 0) note(error.code(), error.what());
    return world.rank() == 0 ? complain(error.what(), error.code()) : static_cast<int>(error.code());
  } catch (Error const& error) {
    message = error.what();
    code = error.code();
  } catch (std::exception const& error) {
    message = error.what();
  }
  complain(message.c_str(), code);
  note(code, message);
  if (world.size() > 1) MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  return static_cast<int>(code);
}

}  // namespace
}  // namespace moerae

int main(int argc, char** argv) {
  using namespace moerae;
  CommandLine line;
  std::string all;
  try {
    line = read_command_line(commands(), {argv + 1, argv + argc});
    if (line.version) return print(fmt::format("moerae {}\n", build_info::version));
    if (line.help) return print(line.command ? usage(*line.command) : usage(commands()));
    if (auto const* text = std::get_if<Text>(&line.command->run)) return print((*text)(line));
    if (auto const* local = std::get_if<Local>(&line.command->run)) return static_cast<int>((*local)(line));
    all = fmt::format("{}", fmt::join(argv, argv + argc, " "));
  } catch (Error const& error) {
    return launched_first() ? complain(error.what(), error.code()) : static_cast<int>(error.code());
  }
  mpi::Environment const environment(argc, argv);
  auto const code = run_agreed(line, std::move(all));
  // All ranks have the same code. When the first of them ends with another than 0, srun --kill-on-bad-exit
  // terminates the rest, and the job would end with 143 in place of it: no more is queued again.
  std::signal(SIGTERM, SIG_IGN);
  return code;
}
