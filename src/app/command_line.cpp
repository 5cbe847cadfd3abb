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

using Takes = Command::Takes;

Command const& find_command(std::span<Command const> commands, std::string const& name) {
  std::vector<std::string> known;
  for (auto const& command : commands) {
    if (command.name == name) return command;
    known.push_back(command.name);
  }
  auto const meant = nearest(name, known);
  throw ConfigError(fmt::format("'{}' is not a command{}\n\n{}", name,
                                meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant),
                                usage(commands)));
}

}  // namespace

CommandLine read_command_line(std::span<Command const> commands, std::vector<std::string> const& words) {
  auto rest = words;
  CommandLine line;
  line.help = take_out(rest, {"--help", "-h"});
  line.version = take_out(rest, {"--version"});
  if (rest.empty()) {
    validate<ConfigError>(line.help || line.version, "no command is given\n\n{}", usage(commands));
    return line;
  }
  line.command = &find_command(commands, rest.front());
  rest.erase(rest.begin());
  auto const takes = line.command->takes;
  validate<ConfigError>(takes != Takes::nothing || rest.empty(),
                        "`moerae {}` takes no further words, but got '{}'", line.command->name,
                        rest.empty() ? "" : rest.front());
  if (takes == Takes::words) {
    validate<ConfigError>(line.help || !rest.empty(), "nothing is named\n\n{}", usage(*line.command));
    line.words = std::move(rest);
    return line;
  }
  for (auto const& group : group_words(rest)) {
    bool const is_word = !group.front().starts_with("-");
    if (is_word && !line.study.file)
      line.study.file = group.front();
    else if (is_word && takes == Takes::keys)
      line.keys.push_back(group.front());
    else  // what is not a key here is reported with the other faults of the study
      line.study.words.insert(line.study.words.end(), group.begin(), group.end());
  }
  validate<ConfigError>(line.help || takes != Takes::keys || !line.keys.empty(), "no key is given\n\n{}",
                        usage(*line.command));
  line.study.required = required_keys(line.command->stage);
  return line;
}

std::string usage(std::span<Command const> commands) {
  std::string text =
      "moerae finds the experts of a Mixture-of-Experts language model that carry its safety behaviour\n\n"
      "Usage: moerae COMMAND [STUDY.ini] [--section.key VALUE ...]\n"
      "       mpirun -n RANKS --bind-to none moerae COMMAND ...\n\n"
      "Keys on the command line override the study file.\n\nCommands:\n";
  for (auto const& command : commands) text += fmt::format("  {:<11}{}\n", command.name, command.help);
  return text + "\n  moerae COMMAND --help   the keys that a command reads\n  moerae --version\n";
}

std::string usage(Command const& command) {
  auto text = fmt::format(
      "Usage: moerae {}{}{}\n\n{}\n", command.name,
      command.takes == Takes::keys    ? " STUDY.ini KEY [KEY ...]"
      : command.takes == Takes::words ? " RUN|SWEEP [...]"
      : command.takes == Takes::study ? " [STUDY.ini]"
                                      : "",
      command.takes == Takes::nothing || command.takes == Takes::words ? "" : " [--section.key VALUE ...]",
      command.help);
  if (command.stage)
    text += fmt::format("\nKeys, in STUDY.ini as `key = VALUE` under [section]; default in brackets:\n{}",
                        print_keys(command.stage));
  if (command.more) text += fmt::format("\n{}", command.more());
  if (auto const required = required_keys(command.stage); !required.empty())
    text += fmt::format("\nRequired: {}\n", fmt::join(required, " "));
  return text;
}

}  // namespace moerae
