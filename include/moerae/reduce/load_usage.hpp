#pragma once

#include <string>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/mpi/comm.hpp"
#include "moerae/reduce/positions.hpp"
#include "moerae/reduce/record_source.hpp"
#include "moerae/reduce/usage_table.hpp"

namespace moerae {

/// Usage of the discovery split (0) of some sets.
struct LoadedUsage {
  ExpertSpace space;
  std::string model_id;
  std::vector<UsageTable> tables;  ///< one per name, in order
};

/// Sums usage at `positions` per cluster. Collective: shard i is read by rank i mod ranks, the tables are
/// combined by integer sums and complete on every rank, the same for any number of ranks. Clusters without a
/// token at these positions say nothing and are left out. DataError: a shard differs from its manifest entry,
/// shards disagree, a prompt of the record's selection is missing, stands twice or has another length than in
/// the corpus. ConfigError: a set without prompts in the discovery split or without tokens at these
/// positions, `last` without recorded routing. All ranks throw the same error.
[[nodiscard]] LoadedUsage load_usage(mpi::Comm const& comm, RecordSource const& source, Corpus const& corpus,
                                     std::vector<std::string> const& sets, Positions const& positions);

}  // namespace moerae
