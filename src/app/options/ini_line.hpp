#pragma once

#include <string>

namespace moerae {

/// A line of a study file: a section, a key with its value, or nothing; `fault` says why it is none of these.
struct IniLine {
  std::string section, key, value, fault;
};

/// '#' and ';' start a comment at the start of a line or behind a blank; a value that starts with a quote
/// ends at the next one, and what stands between them is taken as it is.
[[nodiscard]] IniLine read_ini_line(std::string const& line);

}  // namespace moerae
