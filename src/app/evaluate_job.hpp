#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/model_inputs.hpp"
#include "moerae/corpus/shards.hpp"
#include "moerae/evaluate/condition.hpp"
#include "moerae/evaluate/generator.hpp"
#include "moerae/run/units.hpp"

namespace moerae {

/// Everything that is known of an evaluation before a weight is read: the same on every rank and for every
/// grid.
struct EvaluateJob : ModelInputs {
  /// Conditions that share their passes: one of the study with its first controls, or further controls of it.
  struct Block {
    std::vector<Condition> conditions;
    std::vector<RouterEdit> edits;  ///< [layers]
  };
  /// One unit of work: the replies of a shard of prompts under the conditions of a block.
  struct Part {
    std::size_t block, shard;
  };
  std::vector<std::size_t> selected;  ///< prompts of the sets in the split
  std::vector<Shard> shards;
  std::vector<Block> blocks;
  std::vector<Part> parts;
  std::vector<run::Unit> units;  ///< [parts], worth their replies
  ReplyRules rules;
  std::int64_t longest = 0;       ///< tokens of the longest prompt
  nlohmann::ordered_json inputs;  ///< what the bits of every reply depend on
  /// By the name of a set: the weights that it was made on, where it says so.
  std::vector<std::pair<std::string, std::string>> made_on;

  /// Positions of every slot of a rank's cache.
  [[nodiscard]] std::vector<std::int64_t> slots() const;
  /// Bytes of that cache.
  [[nodiscard]] std::int64_t cache_bytes() const;
};

/// What is known without the expert sets: prompts, shards, rules, memory of the cache; no blocks and no
/// units. Throws ConfigError and DataError.
[[nodiscard]] EvaluateJob lay_out_replies(Study const& study);

/// Reads corpus, config, headers and expert sets and checks them against each other. Throws ConfigError and
/// DataError.
[[nodiscard]] EvaluateJob make_evaluate_job(Study const& study);

}  // namespace moerae
