#pragma once

#include <string>
#include <vector>

#include "moerae/store/expert_set.hpp"
#include "reduce/plan/plan.hpp"
#include "reduce/results/scores.hpp"

namespace moerae {

/// The experts of one request, best first, ties by (layer, expert).
///   ses           frequency >= tau, or >= threshold, or the `count` highest
///   safety group  its members; of them those with score >= threshold, or the `count` best
///   esft          per layer until the share p is reached (see esft.hpp); or round(score, 4) >= threshold, or
///   the `count`
///                 best of the model. `score` is round(score, 4).
///   contrast      the `count` best or |score| >= threshold, only scores of the asked sign; side both: by
///   magnitude
/// A set may be empty, or smaller than `count`.
[[nodiscard]] std::vector<store::ScoredExpert> select_experts(SetRequest const& request,
                                                              Scores const& scores);

}  // namespace moerae
