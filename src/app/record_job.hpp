#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "app/model_inputs.hpp"
#include "moerae/corpus/shards.hpp"
#include "moerae/run/units.hpp"

namespace moerae {

/// Everything that is known of a recording before a weight is read: the same on every rank and for every
/// grid.
struct RecordJob : ModelInputs {
  std::vector<std::size_t> selected;  ///< prompts of corpus.sets
  std::vector<Shard> shards;
  std::vector<run::Unit> units;   ///< one a shard, worth its tokens
  nlohmann::ordered_json inputs;  ///< what the bits of the record depend on

  [[nodiscard]] std::int64_t tokens() const;
  struct Amount {
    std::int64_t prompts = 0, tokens = 0;
  };
  /// Of the shards that are not in `done`.
  [[nodiscard]] Amount open(run::UnitSet const& done) const;
};

/// Reads corpus, config and headers and checks them against each other, and what `reduce` is to do against
/// the corpus. Throws ConfigError and DataError.
[[nodiscard]] RecordJob make_record_job(Study const& study);

}  // namespace moerae
