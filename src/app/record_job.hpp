#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/study.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/corpus/shards.hpp"
#include "moerae/model/expert_space.hpp"
#include "moerae/model/session.hpp"
#include "moerae/run/units.hpp"

namespace moerae {

/// Everything that is known of a recording before a weight is read: the same on every rank and for every
/// grid.
struct RecordJob {
  Corpus corpus;
  std::vector<std::size_t> selected;  ///< prompts of corpus.sets
  std::vector<Shard> shards;
  std::vector<run::Unit> units;  ///< one a shard, worth its tokens
  ModelSource model;
  ExpertSpace space;
  std::string precision;          ///< float16 | float32
  nlohmann::ordered_json inputs;  ///< what the bits of the record depend on

  [[nodiscard]] std::int64_t tokens() const;
  struct Amount {
    std::int64_t prompts = 0, tokens = 0;
  };
  /// Of the shards that are not in `done`.
  [[nodiscard]] Amount open(run::UnitSet const& done) const;
};

/// A corpus and the model that it was made for.
struct CheckedInputs {
  Corpus corpus;
  ModelSource model;
};
/// Reads corpus, config and headers and checks them, and the grid, against each other. Throws ConfigError and
/// DataError.
[[nodiscard]] CheckedInputs open_inputs(Study const& study);

[[nodiscard]] ExpertSpace space_of(ModelPlan const& plan);
/// record.precision with auto resolved.
[[nodiscard]] std::string precision_of(Study const& study, ModelSource const& model);

/// Reads corpus, config and headers and checks them against each other, and what `reduce` is to do against
/// the corpus. Throws ConfigError and DataError.
[[nodiscard]] RecordJob make_record_job(Study const& study);

}  // namespace moerae
