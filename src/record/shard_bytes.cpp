#include "moerae/record/shard_bytes.hpp"

#include <algorithm>

#include "moerae/corpus/corpus.hpp"

namespace moerae {

ShardBytes shard_bytes(ExpertSpace const& space, std::int64_t prompts, std::int64_t tokens,
                       RecordOptions const& options, std::string const& precision) {
  std::int64_t const classes = position_class_names.size(), value = precision == "float16" ? 2 : 4;
  std::int64_t const id = space.experts <= 256 ? 1 : 2;
  auto const experts = static_cast<std::int64_t>(space.size()),
             layers = static_cast<std::int64_t>(space.layers.size());
  ShardBytes out;
  out.usage = prompts * classes * (experts * (4 + 8) + 4);  // counts, gate mass, tokens
  if (options.routing) out.routing = tokens * layers * space.top_k * (id + value);
  if (options.logits != Logits::none)
    out.logits = (options.logits == Logits::all ? tokens : prompts) * experts * value;
  return out;
}

std::int64_t largest_shard_in_memory(ExpertSpace const& space, std::span<Shard const> shards,
                                     RecordOptions const& options) {
  std::int64_t most = 0;
  for (auto const& shard : shards) {
    most = std::max(most, shard_bytes(space, static_cast<std::int64_t>(shard.last - shard.first),
                                      shard.tokens(), options, "float32")
                              .total());
  }
  return most;
}

}  // namespace moerae
