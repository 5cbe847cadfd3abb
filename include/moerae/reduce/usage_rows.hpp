#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/record/shard_reader.hpp"
#include "moerae/reduce/positions.hpp"
#include "moerae/reduce/usage_table.hpp"

namespace moerae {

/// Where the usage of every prompt goes: a table and a row of it, or nowhere.
struct UsageSlots {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::vector<std::size_t> table, row;  ///< [P]
};

/// Empty tables of the discovery split, one per set, and the slots of their prompts. ConfigError with all
/// sets that have no prompt there.
[[nodiscard]] UsageSlots lay_out(Corpus const& corpus, std::vector<std::string> const& sets,
                                 ExpertSpace const& space, std::vector<UsageTable>& tables);

/// Adds the prompts of a shard to their tables. `prompts` [P_s] are their indices in the corpus. DataError
/// when lengths differ from the corpus; ConfigError when positions were not recorded.
void add_shard(ShardReader const& shard, std::vector<std::size_t> const& prompts, Corpus const& corpus,
               Positions const& positions, UsageSlots const& slots, std::vector<UsageTable>& tables);

}  // namespace moerae
