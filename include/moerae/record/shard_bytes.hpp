#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "moerae/corpus/shards.hpp"
#include "moerae/model/expert_space.hpp"
#include "moerae/record/options.hpp"

namespace moerae {

/// Bytes of a record by part, before compression.
struct ShardBytes {
  std::int64_t usage = 0, routing = 0, logits = 0;
  [[nodiscard]] std::int64_t total() const { return usage + routing + logits; }
};

/// Of `prompts` prompts with `tokens` tokens, on disk.
[[nodiscard]] ShardBytes shard_bytes(ExpertSpace const& space, std::int64_t prompts, std::int64_t tokens,
                                     RecordOptions const& options, std::string const& precision);

/// Of the largest shard in the memory of its rank (weights and logits are float32 there).
[[nodiscard]] std::int64_t largest_shard_in_memory(ExpertSpace const& space, std::span<Shard const> shards,
                                                   RecordOptions const& options);

}  // namespace moerae
