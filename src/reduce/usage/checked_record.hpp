#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/mpi/comm.hpp"
#include "moerae/record/shard_reader.hpp"
#include "reduce/usage/record_source.hpp"

namespace moerae {

class Attributions;

/// DataError where a file of `stage` is not there or is not as the manifest lists it. Reads it.
void require_intact(std::filesystem::path const& path, store::Entry const& entry, std::string_view stage);

/// A record whose shards are whole, of one model, and hold each prompt of its selection once.
struct CheckedRecord {
  RecordSource const& source;
  Corpus const& corpus;
  ExpertSpace space;
  std::string model_id;
  bool has_routing = false;          ///< every shard has
  std::vector<double> largest = {};  ///< [L*K] of the record (ShardRecord::largest); empty: a shard has none
  Attributions const* attributions = nullptr;  ///< of the same run; null: none
  /// The shards of this rank (i mod ranks), and the indices in the corpus of their prompts.
  std::map<std::size_t, std::vector<std::size_t>> prompts;

  [[nodiscard]] ShardReader open(std::size_t shard) const;
  [[nodiscard]] std::string path(std::size_t shard) const;
};

/// Collective. DataError: a shard differs from its manifest entry, shards disagree, a prompt is missing,
/// stands twice or is not of the selection. All ranks throw the same error. The arguments must outlive the
/// result.
[[nodiscard]] CheckedRecord check_record(mpi::Comm const& comm, RecordSource const& source,
                                         Corpus const& corpus);

}  // namespace moerae
