#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "app/options/read.hpp"
#include "moerae/base/check.hpp"
#include "moerae/keys/stages.hpp"

namespace moerae {

struct Command;
struct Context;

/// The words of a command line, taken apart but not judged: `moerae COMMAND [STUDY.ini] [KEY ...]
/// [--section.key VALUE ...]`.
struct CommandLine {
  Command const* command = nullptr;  ///< null: only help or version is asked for
  bool help = false;
  bool version = false;
  StudySource study;
  std::vector<std::string> keys = {};   ///< of a command that takes them
  std::vector<std::string> words = {};  ///< all of them, of a command that reads them itself
};

/// Runs under MPI: collective, throws on every rank alike, returns complete or stopped.
using Stage = ExitCode (*)(Context const&, Study const&);
/// Its text for stdout; it needs no MPI. Throws ConfigError.
using Text = std::string (*)(CommandLine const&);

/// Runs without MPI and prints to stdout itself. Throws Error.
using Local = ExitCode (*)(CommandLine const&);

/// What the program can be asked to do.
struct Command {
  enum class Takes { nothing, study, keys, words };  // keys: of a study
  std::string name;
  std::string help;
  std::variant<Stage, Text, Local> run;
  Takes takes = Takes::nothing;
  Stages stage = stage::none;       ///< what of a study it reads
  bool one_job = false;             ///< refuses a launch of single ranks (see check_launch)
  std::string (*more)() = nullptr;  ///< further help
};

/// Throws ConfigError for an unknown command, none, or words that a command does not take.
[[nodiscard]] CommandLine read_command_line(std::span<Command const> commands,
                                            std::vector<std::string> const& words);

/// Usage of the program, or of one command with the keys it reads.
[[nodiscard]] std::string usage(std::span<Command const> commands);
[[nodiscard]] std::string usage(Command const& command);

}  // namespace moerae
