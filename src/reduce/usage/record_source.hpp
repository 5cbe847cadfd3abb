#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {

/// The record that is reduced: where it lies and what belongs to it.
struct RecordSource {
  std::filesystem::path run;
  store::StageDir stage;
  std::vector<store::Entry> shards;  ///< as listed in the manifest, ascending by path
  std::vector<std::string> sets;     ///< recorded sets; empty: all of the corpus
  std::string digest;                ///< over names and contents of the shards

  [[nodiscard]] std::string name() const { return stage.path.filename().string(); }
};

/// The record of `run`: the folder `wanted` (name or path) where given, else the only one. ConfigError when
/// there is none or a choice is needed; DataError when a shard file is not in the manifest. Not collective.
[[nodiscard]] RecordSource find_record(std::filesystem::path const& run, std::filesystem::path const& wanted);

/// Whether its first shard holds the routing of every token. Not collective.
[[nodiscard]] bool has_routing(RecordSource const& source);

/// The run's corpus, DataError unless it is the one that was recorded. Not collective.
[[nodiscard]] Corpus recorded_corpus(RecordSource const& source);

}  // namespace moerae
