#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "moerae/reduce/plan/options.hpp"
#include "reduce/contrast/criteria.hpp"
#include "reduce/plan/set_facts.hpp"

namespace moerae {

/// One criterion for two sets.
struct PlannedContrast {
  ContrastCriterion const* criterion = nullptr;  ///< null: the topic table
  ContrastOptions::Pair pair;
};

/// All contrasts at the same positions: one reading of the usage.
struct ContrastPass {
  Positions positions;
  std::vector<std::string> sets;
  std::vector<PlannedContrast> contrasts;
  std::vector<std::pair<std::string, std::string>> same_token;  ///< pairs that need it
};

/// Every criterion for every pair. Criteria that fix their positions keep them, the others and the topic
/// table take `positions`. What cannot compare a pair is given to `refuse`
/// with the reason.
[[nodiscard]] std::vector<ContrastPass> plan_passes(
    SetFacts& facts, std::vector<ContrastCriterion const*> const& criteria,
    std::vector<ContrastOptions::Pair> const& pairs, Positions const& positions,
    std::function<void(PlannedContrast const&, std::string const& why)> const& refuse);

/// Whether a pass holds `criterion` for every part of `groups`.
[[nodiscard]] bool planned(std::vector<ContrastPass> const& passes, std::string const& criterion,
                           ContrastOptions::Pair const& groups);

}  // namespace moerae
