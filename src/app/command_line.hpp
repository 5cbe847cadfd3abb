#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/options/read.hpp"
#include "app/options/stages.hpp"

namespace moerae {

/// What the program can be asked to do.
struct Command {
  std::string name;
  std::string help;
  Stages stage = stage::none;  ///< what of a study it reads; none: it takes no study
  bool one_job = false;        ///< refuses a launch of single ranks (see check_launch)
};

[[nodiscard]] std::vector<Command> const& commands();

/// The words of a command line, taken apart but not judged: `moerae COMMAND [STUDY.ini] [--section.key VALUE
/// ...]`.
struct CommandLine {
  Command const* command = nullptr;  ///< null: only help or version is asked for
  bool help = false;
  bool version = false;
  StudySource study;
};

/// Throws ConfigError for an unknown command, none, or words that a command does not take.
[[nodiscard]] CommandLine read_command_line(std::vector<std::string> const& words);

/// Usage of the program, or of one command with the keys it reads.
[[nodiscard]] std::string usage();
[[nodiscard]] std::string usage(Command const& command);

}  // namespace moerae
