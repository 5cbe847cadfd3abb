#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moerae/base/words.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/evaluate/condition.hpp"
#include "moerae/model/intervention/phase.hpp"

namespace moerae {

/// Experts are selected on discovery, so only the base condition answers it: for groups by outcome.
inline constexpr Words<Split, 3> evaluated_splits{
    {{"validation", Split::validation}, {"test", Split::test}, {"discovery", Split::discovery}}};

/// What stays of a reply once it is judged (until then its ids are there, for the judge reads them): its
/// label and its usage; its token ids, too; or also its text, beside the label.
enum class Keep { labels, ids, text };
inline constexpr Words<Keep, 3> keep_words{
    {{"labels", Keep::labels}, {"ids", Keep::ids}, {"text", Keep::text}}};

/// [evaluate]: replies under interventions. All of it but `conditions`, `controls` and `keep` decides bits of
/// every reply; those say which there are, and what stays of them.
struct EvaluateOptions {
  std::vector<ConditionSpec> conditions = {};  ///< besides `none`, which is always there
  Phase phase = Phase::both;
  std::vector<std::string> sets = {};  ///< of prompts; empty: all
  Split split = Split::validation;
  std::int64_t max_new_tokens = 128;
  double temperature = 0;  ///< 0: greedy
  double top_p = 1;
  std::int64_t controls = 20;  ///< matched random sets of every condition
  bool reuse = true;           ///< replies of `none` are kept where a condition can not change them
  bool routing = false;        ///< expert ids and gate weights of every token, besides usage
  Keep keep = Keep::labels;
  std::string preset = {};           ///< "paper": SAFEx's groups, masked in decoding only
  std::int64_t sequences = 64;       ///< that are continued at once on a rank
  std::int64_t batch_tokens = 4096;  ///< of one forward pass
  std::int64_t shard_prompts = 64;   ///< prompts of one file
};

}  // namespace moerae
