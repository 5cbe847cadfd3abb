#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/study.hpp"

namespace moerae {

/// Where a study comes from. The command line overrides the file.
struct StudySource {
  std::optional<std::filesystem::path> file;
  std::vector<std::string> words = {};     ///< --section.key VALUE ...
  std::vector<std::string> required = {};  ///< keys that must have a value
};

/// The resolved study. Throws one ConfigError that lists all faults: lines that cannot be read, unknown keys,
/// duplicates, bad values, missing keys, combinations that contradict each other. Not collective: ranks read
/// the same file and come to the same result.
[[nodiscard]] Study read_study(StudySource const& source);

}  // namespace moerae
