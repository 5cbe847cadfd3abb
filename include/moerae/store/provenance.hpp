#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "moerae/store/file.hpp"

namespace moerae::store {

/// Where an artefact comes from: its root attributes, in this order. Empty texts are written as such.
struct Provenance {
  std::string schema;  ///< moerae.routing/1, moerae.scores/1, ...
  std::int64_t schema_version = 1;
  std::string created_utc;
  std::string version, git_commit;
  bool git_dirty = false;
  std::string command_line;
  std::string config;  ///< JSON: the resolved study
  std::string model_id, weights_hash, tokenizer_hash;
  std::string stage_hash;  ///< see store/stage_dir.hpp
  std::uint64_t seed = 0;
  std::optional<std::int64_t> shard, shards;  ///< left out where there are none
  int rank = 0, ranks = 1;
  std::string grid = "1x1";        ///< data width x expert width
  std::string host;                ///< of the writing rank
  std::string slurm_job;           ///< SLURM_JOB_ID, empty outside Slurm
  bool prompt_equivalent = false;  ///< text can be rebuilt from it: as sensitive as the prompts
};

/// Filled with what the program knows by itself: time, version, commit, host, Slurm job.
[[nodiscard]] Provenance make_provenance(std::string schema);

/// Now, as 2024-05-31T12:34:56Z.
[[nodiscard]] std::string utc_now();

void write_provenance(File& file, Provenance const& provenance);
/// The same keys as JSON, `config` as an object: for expert sets.
[[nodiscard]] nlohmann::ordered_json to_json(Provenance const& provenance);

/// The last thing written to a file, before it is closed: complete = 1.
void mark_complete(File& file);

}  // namespace moerae::store
