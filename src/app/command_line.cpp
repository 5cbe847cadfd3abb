#include "app/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/options/given.hpp"
#include "app/options/keys.hpp"
#include "app/options/nearest.hpp"
#include "app/options/print.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

bool take_out(std::vector<std::string>& words, std::initializer_list<std::string_view> flags) {
  return std::erase_if(words, [&](auto const& word) {
           return std::find(flags.begin(), flags.end(), word) != flags.end();
         }) > 0;
}

Command const& find_command(std::string const& name) {
  std::vector<std::string> known;
  for (auto const& command : commands()) {
    if (command.name == name) return command;
    known.push_back(command.name);
  }
  auto const meant = nearest(name, known);
  throw ConfigError(fmt::format("'{}' is not a command{}\n\n{}", name,
                                meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant), usage()));
}

}  // namespace

std::vector<Command> const& commands() {
  static std::vector<Command> const table{
      {"plan",
       "what a study will do: parameters, shards, grid, memory per rank, bytes to be written; runs nothing",
       stage::plan},
      {"record", "forward passes over the corpus; routing and usage to HDF5; repeating the command resumes",
       stage::record, true},
      {"reduce", "SES, contrasts and ESFT over the record: scores and expert sets", stage::reduce, true},
      {"evaluate",
       "replies to the held-out prompts with chosen experts masked, steered, forced or scaled, and with "
       "their controls",
       stage::evaluate, true},
      {"verify", "every file of a run against its manifest", stage::verify},
      {"defaults", "all keys with help and defaults, as a study file"},
      {"info", "build, torch, MPI, HDF5, CPU and GPU"},
  };
  return table;
}

CommandLine read_command_line(std::vector<std::string> const& words) {
  auto rest = words;
  CommandLine line;
  line.help = take_out(rest, {"--help", "-h"});
  line.version = take_out(rest, {"--version"});
  if (rest.empty()) {
    validate<ConfigError>(line.help || line.version, "no command is given\n\n{}", usage());
    return line;
  }
  line.command = &find_command(rest.front());
  rest.erase(rest.begin());
  validate<ConfigError>(line.command->stage || rest.empty(),
                        "`moerae {}` takes no further words, but got '{}'", line.command->name,
                        rest.empty() ? "" : rest.front());
  for (auto const& group : group_words(rest)) {
    bool const is_file = !group.front().starts_with("-");
    if (is_file && !line.study.file)
      line.study.file = group.front();
    else  // what is not a key here is reported with the other faults of the study
      line.study.words.insert(line.study.words.end(), group.begin(), group.end());
  }
  line.study.required = required_keys(line.command->stage);
  return line;
}

std::string usage() {
  std::string text =
      "moerae finds the experts of a Mixture-of-Experts language model that carry its safety behaviour\n\n"
      "Usage: moerae COMMAND [STUDY.ini] [--section.key VALUE ...]\n"
      "       mpirun -n RANKS --bind-to none moerae COMMAND ...\n\n"
      "Keys on the command line override the study file.\n\nCommands:\n";
  for (auto const& command : commands()) text += fmt::format("  {:<10}{}\n", command.name, command.help);
  return text + "\n  moerae COMMAND --help   the keys that a command reads\n  moerae --version\n";
}

std::string usage(Command const& command) {
  auto text = fmt::format("Usage: moerae {}{}\n\n{}\n", command.name,
                          command.stage ? " [STUDY.ini] [--section.key VALUE ...]" : "", command.help);
  if (command.stage)
    text += fmt::format("\nKeys, in STUDY.ini as `key = VALUE` under [section]; default in brackets:\n{}",
                        print_keys(command.stage));
  if (auto const required = required_keys(command.stage); !required.empty())
    text += fmt::format("\nRequired: {}\n", fmt::join(required, " "));
  return text;
}

}  // namespace moerae
