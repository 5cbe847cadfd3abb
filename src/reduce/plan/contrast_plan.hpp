#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/reduce/plan/options.hpp"
#include "reduce/contrast/criteria.hpp"
#include "reduce/plan/config_faults.hpp"
#include "reduce/usage/same_token.hpp"
#include "reduce/usage/usage_rows.hpp"

namespace moerae {

/// One criterion for two sets.
struct PlannedContrast {
  ContrastCriterion const* criterion = nullptr;
  ContrastOptions::Pair pair;
};

/// All contrasts at the same positions: one reading of the usage.
struct ContrastPass {
  Positions positions;
  std::vector<std::string> sets;
  std::vector<PlannedContrast> contrasts;
  std::vector<std::pair<std::string, std::string>> same_token;  ///< pairs that need it
};

/// What decides whether a criterion can compare two sets.
struct ContrastGround {
  Corpus const& corpus;
  bool has_routing = false;
  UsageChoice choice;  ///< sets and positions are filled in
};

/// Criteria that fix their positions keep them, the others take `positions`. A criterion that cannot compare
/// a pair is a fault where it was named (`named`), else a line in `left_out` that says why and what to do.
[[nodiscard]] std::vector<ContrastPass> plan_passes(ContrastGround const& ground,
                                                    std::vector<ContrastCriterion const*> const& criteria,
                                                    std::function<bool(PlannedContrast const&)> const& named,
                                                    std::vector<ContrastOptions::Pair> const& pairs,
                                                    Positions const& positions, ConfigFaults& faults,
                                                    std::vector<std::string>& left_out);

/// Whether a pass holds `criterion` for every part of `groups`.
[[nodiscard]] bool planned(std::vector<ContrastPass> const& passes, std::string const& criterion,
                           ContrastOptions::Pair const& groups);

}  // namespace moerae
