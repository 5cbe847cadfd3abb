#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {

/// Fills Corpus::outcome from the labels that a judge gave the replies of the base condition to the discovery
/// split (evaluate.split = discovery; RUN/evaluate*/none/labels.h5), so that groups by outcome need no second
/// recording. The replies must be of the corpus and of the model that was recorded (`record`: its inputs),
/// and all prompts of `sets` in the split must be judged. Returns a digest of the labels. ConfigError where
/// they are missing or of something else and says what to do; DataError where the file is damaged. Not
/// collective.
std::string read_outcomes(std::filesystem::path const& run, store::StageDir const& record,
                          std::vector<std::string> const& sets, Corpus& corpus);

}  // namespace moerae
