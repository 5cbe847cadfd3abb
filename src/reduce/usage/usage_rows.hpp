#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/record/shard_reader.hpp"
#include "reduce/usage/positions.hpp"
#include "reduce/usage/usage_table.hpp"

namespace moerae {

class Attributions;

/// Which prompts count, and where.
struct UsageChoice {
  std::vector<std::string> sets;
  Positions positions;
  std::int64_t clusters = 0;  ///< of each set at most; 0: all
  std::uint64_t seed = 0;     ///< key of the choice of clusters
  /// For Positions::drop: which prompts have drops; null: all that can have.
  Attributions const* attributions = nullptr;
};

/// Where the usage of every prompt goes.
struct UsageLayout {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  /// One per set, without a layer: clusters, tokens, topics and lengths of the discovery split.
  std::vector<UsageTable> tables;
  std::vector<std::size_t> table, row;  ///< [P]; `none` where a prompt does not count
};

/// Clusters without a token at the positions say nothing and are left out (with a warning where `warn`).
/// Where `clusters` limits them, those with the smallest keys (seed, cluster id) stay, the same ones in every
/// set and among them those of a smaller limit. Tables of sets without such a cluster are empty.
[[nodiscard]] UsageLayout lay_out(Corpus const& corpus, UsageChoice const& choice, bool warn);

/// Why a set has nothing to count, empty where it has: no prompt in the discovery split, or no token at the
/// positions.
[[nodiscard]] std::string nothing_to_count(UsageTable const& table, Positions const& positions);

/// DataError where a row of the shard holds routing of other than all tokens of prompt `p`.
void require_routing(ShardReader const& shard, std::size_t row, Corpus const& corpus, std::size_t p);

/// Adds some layers of the prompts of a shard to `tables`, which have these layers. `prompts` [P_s] are their
/// indices in the corpus. DataError when lengths differ from the corpus; ConfigError when positions were not
/// recorded.
void add_shard(ShardReader const& shard, std::vector<std::size_t> const& prompts, LayerRange layers,
               Corpus const& corpus, Positions const& positions, UsageLayout const& layout,
               std::vector<UsageTable>& tables);

}  // namespace moerae
