#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moerae/store/expert_set.hpp"
#include "moerae/store/stage_dir.hpp"
#include "reduce/plan/plan.hpp"
#include "reduce/results/scores.hpp"

// What `reduce` leaves in its folder. Rank 0 only, all of it.

namespace moerae {

/// Whether everything that the plan asks for is published, listed and undamaged.
[[nodiscard]] bool results_complete(std::filesystem::path const& run, store::StageDir const& stage,
                                    ReducePlan const& plan);

/// The expert sets of the plan with their provenance; `base` is that of the stage.
[[nodiscard]] std::vector<store::ExpertSet> make_sets(ReducePlan const& plan, Scores const& scores,
                                                      RecordSource const& source,
                                                      store::Provenance const& base);

/// The members of a set as indices [L*K], best first.
[[nodiscard]] std::vector<std::size_t> expert_indices(ExpertSpace const& space, store::ExpertSet const& set);

/// Adds to each set what is known of it (significance and the least number of true discoveries; bounds of its
/// stability; noise floor) and its control sets.
void add_evidence(ReducePlan const& plan, Scores const& scores, std::vector<store::ExpertSet>& sets);

/// stage.json, scores.h5, sets/*.json, then their lines in the manifest.
void publish_results(std::filesystem::path const& run, store::StageDir& stage, Scores const& scores,
                     std::vector<store::ExpertSet> const& sets, store::Provenance const& provenance);

/// Logs in three lines what was computed, and warns of sets that are smaller than was asked for.
void print_summary(ReducePlan const& plan, Scores const& scores, std::vector<store::ExpertSet> const& sets);

}  // namespace moerae
