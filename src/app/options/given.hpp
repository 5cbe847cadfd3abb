#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moerae/base/faults.hpp"

namespace moerae {

/// One key as the user wrote it.
struct Given {
  std::string name;  ///< "section.key" or "select.NAME.key"; not checked yet
  std::string value;
  std::string origin;          ///< "file:line" or "command line"
  std::filesystem::path base;  ///< the folder that relative paths start from
};

/// The keys of a study file (INI as Boost.Program_options reads it: [section], key = value, # comments) in
/// the order of the file. Lines that cannot be read, duplicates and a file that cannot be opened are faults.
[[nodiscard]] std::vector<Given> given_in_file(std::filesystem::path const& file, Faults& faults);

/// The keys among the words of a command line: --section.key VALUE or --section.key=VALUE.
[[nodiscard]] std::vector<Given> given_on_command_line(std::vector<std::string> const& words, Faults& faults);

/// Words that stand together: {"--key=value"}, {"--key", "value"}, {"--key"} where no value follows,
/// {"word"}.
[[nodiscard]] std::vector<std::vector<std::string>> group_words(std::vector<std::string> const& words);

}  // namespace moerae
