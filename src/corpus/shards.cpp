#include "moerae/corpus/shards.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "moerae/base/check.hpp"

namespace moerae {

std::vector<std::size_t> select_prompts(Corpus const& corpus, std::vector<std::string> const& sets,
                                        std::string const& key) {
  auto const& known = corpus.set.categories;
  std::vector<bool> wanted(known.size(), false);
  std::set<std::string_view> named;
  for (auto const& name : sets) {
    auto const found = std::find(known.begin(), known.end(), name);
    validate<ConfigError>(found != known.end(), "{}: {} is no set of {}; it has: {}", key, name,
                          corpus.path.string(), fmt::join(known, ", "));
    auto const code = found - known.begin();
    validate<ConfigError>(
        std::find(corpus.set.code.begin(), corpus.set.code.end(), code) != corpus.set.code.end(),
        "{}: {} has no prompt in {}; its sets are: {}", key, name, corpus.path.string(),
        fmt::join(known, ", "));
    validate<ConfigError>(named.insert(name).second, "{}: {} is named twice; name every set once (known: {})",
                          key, name, fmt::join(known, ", "));
    wanted[static_cast<std::size_t>(code)] = true;
  }
  std::vector<std::size_t> selected;
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    auto const code = corpus.set.code[i];
    if (sets.empty() || (code >= 0 && wanted[static_cast<std::size_t>(code)])) selected.push_back(i);
  }
  return selected;
}

std::vector<Shard> plan_shards(Corpus const& corpus, std::span<std::size_t const> selected,
                               std::int64_t shard_prompts, std::int64_t batch_tokens) {
  validate<ConfigError>(shard_prompts > 0, "record.shard_prompts = {}: a shard needs at least one prompt",
                        shard_prompts);
  validate<ConfigError>(batch_tokens > 0, "record.batch_tokens = {}: a batch needs at least one token",
                        batch_tokens);
  std::vector<Shard> shards;
  auto const per_shard = static_cast<std::size_t>(shard_prompts);
  for (std::size_t i = 0; i < selected.size(); ++i) {
    if (shards.empty() || i - shards.back().first == per_shard) {
      shards.push_back({ShardId(static_cast<std::int32_t>(shards.size())), i, i, {}});
    }
    auto& shard = shards.back();
    auto const tokens = corpus.length(selected[i]);
    if (shard.batches.empty() || tokens > batch_tokens - shard.batches.back().tokens)
      shard.batches.push_back({i, i, 0});
    shard.batches.back().tokens += tokens;
    shard.last = shard.batches.back().last = i + 1;
  }
  return shards;
}

}  // namespace moerae
