#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "moerae/base/ids.hpp"
#include "moerae/corpus/corpus.hpp"

namespace moerae {

/// Entries first .. last-1 of the selection: one forward pass.
struct Batch {
  std::size_t first = 0, last = 0;
  std::int64_t tokens = 0;
};

/// Entries first .. last-1 of the selection: one file, the unit of commit.
struct Shard {
  ShardId id;
  std::size_t first = 0, last = 0;
  std::vector<Batch> batches;  ///< in order, covering first .. last-1

  [[nodiscard]] std::int64_t tokens() const {
    std::int64_t total = 0;
    for (auto const& batch : batches) total += batch.tokens;
    return total;
  }
};

/// Indices of the prompts of the named sets (empty list: of all prompts) in corpus order. ConfigError names
/// `key`, which lists them, and the known sets when one is unknown, has no prompt, or is named twice.
[[nodiscard]] std::vector<std::size_t> select_prompts(Corpus const& corpus,
                                                      std::vector<std::string> const& sets,
                                                      std::string const& key);

/// The plan, a function of the corpus and the three arguments only, never of ranks: shards of `shard_prompts`
/// consecutive entries of the selection (the last one may be shorter), in each of them batches of consecutive
/// entries with at most `batch_tokens` tokens; a longer prompt is a batch of its own. ConfigError unless both
/// limits are positive.
[[nodiscard]] std::vector<Shard> plan_shards(Corpus const& corpus, std::span<std::size_t const> selected,
                                             std::int64_t shard_prompts, std::int64_t batch_tokens);

}  // namespace moerae
