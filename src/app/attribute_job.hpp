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
  std::vector<run::Unit> units;     ///< one a shard, worth its prompts
  std::vector<std::size_t> spared;  ///< experts [L*K] that random_mask leaves out
  nlohmann::ordered_json inputs;    ///< what the bits of every file depend on
};

/// Whether a prompt in the split has what a margin needs.
[[nodiscard]] bool has_margins(Corpus const& corpus, AttributeOptions const& options);

/// Reads corpus, config and headers and checks them against each other; no inputs, and nothing of a record.
/// Throws ConfigError and DataError.
[[nodiscard]] AttributeJob lay_out_margins(Study const& study);

/// The whole job; with random_mask also of what the record of the run says of super experts. Throws
/// ConfigError and DataError.
[[nodiscard]] AttributeJob make_attribute_job(Study const& study);

}  // namespace moerae
