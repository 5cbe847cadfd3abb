#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "app/model_inputs.hpp"
#include "moerae/corpus/shards.hpp"
#include "moerae/run/units.hpp"

namespace moerae {

/// Everything that is known of an attribution before a weight is read: the same on every rank and for every
/// grid.
struct AttributeJob : ModelInputs {
  std::vector<std::size_t> selected;  ///< prompts of the sets in the split that have both kinds of openings
  std::size_t left_out = 0;           ///< prompts of them that have not
  std::vector<Shard> shards;
  std::vector<run::Unit> units;   ///< one a shard, worth its prompts
  nlohmann::ordered_json inputs;  ///< what the bits of every file depend on
};

/// Whether a prompt in the split has what a margin needs.
[[nodiscard]] bool has_margins(Corpus const& corpus, AttributeOptions const& options);

/// Reads corpus, config and headers and checks them against each other. Throws ConfigError and DataError.
[[nodiscard]] AttributeJob make_attribute_job(Study const& study);

}  // namespace moerae
