#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/options/given.hpp"
#include "app/study.hpp"

namespace moerae {

/// Where a study comes from. The command line overrides the file.
struct StudySource {
  std::optional<std::filesystem::path> file;
  std::vector<std::string> words = {};     ///< --section.key VALUE ...
  std::vector<std::string> required = {};  ///< keys that must have a value
};

/// The keys as the user wrote them, those of the command line in place of the file's own; not judged yet.
[[nodiscard]] std::vector<Given> given_keys(StudySource const& source, Faults& faults);

/// What keys say: the resolved study, and all that is wrong with them, a line each. Where something is, the
/// study is of no use.
struct Reading {
  Study study;
  std::vector<std::string> faults;
};
[[nodiscard]] Reading read_given(std::vector<Given> const& given, std::vector<std::string> const& required,
                                 Faults faults = {});

/// The resolved study. Throws one ConfigError that lists all faults: lines that cannot be read, unknown keys,
/// duplicates, bad values, missing keys, combinations that contradict each other. Not collective: ranks read
/// the same file and come to the same result.
[[nodiscard]] Study read_study(StudySource const& source);

}  // namespace moerae
