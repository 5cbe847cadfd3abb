#pragma once

#include <torch/types.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/study.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/corpus/shards.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/safetensors.hpp"
#include "moerae/record/expert_space.hpp"

namespace moerae {

/// Everything that is known of a recording before a weight is read: the same on every rank and for every
/// grid.
struct RecordJob {
  Corpus corpus;
  std::vector<std::size_t> selected;  ///< prompts of corpus.sets
  std::vector<Shard> shards;
  ModelPlan plan;
  Checkpoint checkpoint;
  ExpertSpace space;
  std::string dtype;              ///< float32 | bfloat16
  std::string precision;          ///< float16 | float32
  nlohmann::ordered_json inputs;  ///< what the bits of the record depend on

  [[nodiscard]] torch::Dtype torch_dtype() const;
  [[nodiscard]] std::int64_t tokens() const;
};

/// model.dtype where `stored` is the dtype of the checkpoint.
[[nodiscard]] std::string resolve_dtype(std::string const& asked, std::string const& stored);

/// Reads corpus, config and headers and checks them against each other. Throws ConfigError and DataError.
[[nodiscard]] RecordJob make_record_job(Study const& study);

}  // namespace moerae
