#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/reduce/plan/options.hpp"
#include "reduce/contrast/relabelling.hpp"
#include "reduce/plan/contrast_plan.hpp"
#include "reduce/plan/recorded.hpp"
#include "reduce/stability/stability.hpp"
#include "reduce/usage/positions.hpp"

namespace moerae {

/// What `reduce` computes: the options resolved against the corpus and the record.
struct ReducePlan {
  std::uint64_t seed = 0;
  StabilityRule stability;                          ///< of usage
  std::optional<StabilityRule> contrast_stability;  ///< of the contrast ses.score, for every pair
  Positions ses_positions, positions;               ///< of usage (SES, ESFT, controls); of contrasts
  std::string regular, jailbreak, benign;           ///< empty: none
  std::vector<std::string> ses_sets;                ///< selection frequencies, ascending by name
  std::vector<std::string> esft_sets;               ///< ESFT scores
  std::vector<std::string> sets;                    ///< all whose usage is needed at ses_positions
  std::vector<ContrastCriterion const*> criteria;
  std::vector<ContrastPass> passes;           ///< what is compared, by positions
  std::vector<std::string> left_out;          ///< contrasts that these sets do not allow, with the reason
  std::vector<ContrastOptions::Pair> pairs;   ///< of two sets each
  std::vector<ContrastOptions::Pair> groups;  ///< as asked for: pairs, and a against several at once
  /// The sets to be written: [select.NAME] or defaults. Of a selection frequency of a contrast, `set` is
  /// <score>-<a>-vs-<b>; of a safety group, `groups` are regular and jailbreak.
  std::vector<SelectOptions> requests;
  std::int64_t permutations = 0, controls = 0, clusters = 0;
  std::int64_t count = 0;  ///< size at which scores are compared
  PermuteWithin within;
  std::size_t bytes = 0;  ///< of tables in memory
};

/// Options as check_options takes them. Throws one ConfigError with all faults. No criterion named: all of
/// them. No set named anywhere in [ses]: every recorded set. No [select]: default sets.
[[nodiscard]] ReducePlan plan_reduce(ReduceOptions const& options, Corpus const& corpus,
                                     Recorded const& recorded);

}  // namespace moerae
