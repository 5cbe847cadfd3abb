#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/mpi/comm.hpp"
#include "reduce/usage/record_source.hpp"

namespace moerae {

/// Which prompts of the corpus the shards hold: every one of the record's selection exactly once, no other.
class Coverage {
 public:
  Coverage(Corpus const& corpus, RecordSource const& source);

  /// Index in the corpus of a prompt found in shard number `shard` of the source. DataError when the corpus
  /// has none such or the record's selection leaves it out.
  std::size_t found(std::uint64_t prompt_id, std::size_t shard);

  /// Collective. AgreedError (bad data) naming the prompts that are missing or stand twice, and where.
  void check(mpi::Comm const& comm) const;

 private:
  void require_once(std::vector<std::int64_t> const& times) const;
  [[nodiscard]] std::string holders_of(std::uint64_t prompt_id) const;

  Corpus const& corpus_;
  RecordSource const& source_;
  std::unordered_map<std::uint64_t, std::size_t> index_;  // by prompt id
  std::vector<bool> selected_;                            // [P]
  std::vector<std::int64_t> times_;                       // [P]
};

}  // namespace moerae
