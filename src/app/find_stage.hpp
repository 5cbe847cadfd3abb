#pragma once

#include <filesystem>
#include <string>

#include "app/study.hpp"
#include "moerae/keys/stages.hpp"

namespace moerae {

/// Of several folders of a stage in one run the one that this study's keys describe; of one, that; else
/// empty. ConfigError where it is not clear which is meant.
[[nodiscard]] std::filesystem::path stage_of(std::filesystem::path const& run, std::string const& name,
                                             Stages stage, Study const& study, int method);

}  // namespace moerae
