#pragma once

#include <vector>

#include "moerae/store/expert_set.hpp"
#include "reduce/plan/plan.hpp"
#include "reduce/results/score.hpp"

namespace moerae {

/// The experts of one request, best first, ties by (layer, expert). An expert qualifies whose score is on the
/// asked side of 0 (without signs: above 0) and reaches the threshold, and of which the criterion selects no
/// others; without count, threshold and share: those that the criterion itself selects (ses: frequency >=
/// tau). `p`: per layer until that share is reached (see esft.hpp). A set may be empty, or smaller than
/// `count`.
[[nodiscard]] std::vector<store::ScoredExpert> select_experts(SelectOptions const& request,
                                                              ExpertSpace const& space, Score const& score);

}  // namespace moerae
