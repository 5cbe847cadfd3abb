#pragma once

#include "moerae/store/expert_set.hpp"
#include "reduce/plan/plan.hpp"
#include "reduce/results/score.hpp"

namespace moerae {

/// Adds to a set what is known of it (that of its score, significance, the least number of true discoveries)
/// and the control sets drawn for it. `request` is the one it was made for.
void add_evidence(SelectOptions const& request, ReducePlan const& plan, Scores const& scores,
                  store::ExpertSet& set);

}  // namespace moerae
