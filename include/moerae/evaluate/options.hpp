#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moerae/base/words.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/evaluate/condition.hpp"
#include "moerae/model/intervention/phase.hpp"

namespace moerae {

/// Experts are selected on discovery, so replies to it would be in-sample.
inline constexpr Words<Split, 2> evaluated_splits{{{"validation", Split::validation}, {"test", Split::test}}};

/// [evaluate]: replies under interventions. All of it but `conditions` and `controls` decides bits of every
/// reply; those say which there are.
struct EvaluateOptions {
  std::vector<ConditionSpec> conditions = {};  ///< besides `none`, which is always there
  Phase phase = Phase::both;
  std::vector<std::string> sets = {};  ///< of prompts; empty: all
  Split split = Split::validation;
  std::int64_t max_new_tokens = 128;
  double temperature = 0;  ///< 0: greedy
  double top_p = 1;
  std::int64_t controls = 20;        ///< matched random sets of every condition
  bool routing = false;              ///< expert ids and gate weights of every token, besides usage
  std::int64_t sequences = 64;       ///< that are continued at once on a rank
  std::int64_t batch_tokens = 4096;  ///< of one forward pass
  std::int64_t shard_prompts = 64;   ///< prompts of one file
};

}  // namespace moerae
