#pragma once

#include <filesystem>
#include <vector>

#include "moerae/store/expert_set.hpp"
#include "moerae/store/provenance.hpp"
#include "moerae/store/stage_dir.hpp"
#include "reduce/plan/plan.hpp"
#include "reduce/results/score.hpp"

// What `reduce` leaves in its folder. Rank 0 only.

namespace moerae {

/// Whether everything that the plan asks for is published, listed and undamaged.
[[nodiscard]] bool results_complete(std::filesystem::path const& run, store::StageDir const& stage,
                                    ReducePlan const& plan);

/// stage.json, scores.h5, sets/*.json, then their lines in the manifest.
void publish_results(std::filesystem::path const& run, store::StageDir& stage, Scores const& scores,
                     std::vector<store::ExpertSet> const& sets, store::Provenance const& provenance);

}  // namespace moerae
