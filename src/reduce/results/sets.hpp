#pragma once

#include <vector>

#include "moerae/store/expert_set.hpp"
#include "moerae/store/provenance.hpp"
#include "reduce/plan/plan.hpp"
#include "reduce/results/score.hpp"

namespace moerae {

/// The row that a request chooses from.
[[nodiscard]] Score const& score_of(SelectOptions const& request, Scores const& scores);

/// The expert sets of the plan with their provenance; `base` is that of the stage.
[[nodiscard]] std::vector<store::ExpertSet> make_sets(ReducePlan const& plan, Scores const& scores,
                                                      RecordSource const& source,
                                                      store::Provenance const& base);

}  // namespace moerae
