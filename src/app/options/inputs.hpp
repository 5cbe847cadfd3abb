#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "app/study.hpp"
#include "moerae/keys/stages.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {

/// What the bits of the results of `stage` depend on: every key whose row says so, and `method`, the number
/// of the stage's method where it is above 1 (1 is what results have that were made before there was a
/// number). `resolved` holds, by the name of the input, what takes the place of values as they were given:
/// auto that was decided, the fingerprint behind a path. std::logic_error where a path has none.
[[nodiscard]] nlohmann::ordered_json inputs_of(Stages stage, Study const& study, int method,
                                               nlohmann::ordered_json const& resolved);

/// Whether results with the inputs `theirs` can be what this study asks of `stage`: all that it says without
/// looking at the model and the corpus is the same.
[[nodiscard]] bool can_be_of(nlohmann::ordered_json const& theirs, Stages stage, Study const& study,
                             int method);

/// Of several folders of one stage in a run those that can be of this study; a single one is what is meant,
/// whatever its keys, and is kept.
void keep_possible(std::vector<store::StageDir>& found, Stages stage, Study const& study, int method);

}  // namespace moerae
