#pragma once

#include <vector>

#include "moerae/store/expert_set.hpp"
#include "reduce/plan/plan.hpp"
#include "reduce/results/score.hpp"

namespace moerae {

/// Logs in three lines what was computed, and warns of sets that are smaller than was asked for.
void print_summary(ReducePlan const& plan, Scores const& scores, std::vector<store::ExpertSet> const& sets);

}  // namespace moerae
