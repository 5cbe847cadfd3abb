#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "reduce/contrast/comparison.hpp"

namespace moerae {

/// Ids of the clusters that stand in either table, ascending, each once.
[[nodiscard]] std::vector<std::int64_t> clusters_of_both(UsageTable const& a, UsageTable const& b);

/// A comparison with its tables.
struct OwnedComparison {
  UsageTable a, b;
  std::optional<SameToken> same_token;
  /// Sums over the clusters are taken here. The tables must outlive it.
  [[nodiscard]] Comparison view() const { return {Group(a), Group(b), same_token ? &*same_token : nullptr}; }
};

/// Some whole layers of a comparison: what is drawn from it many times then stays in the cache.
[[nodiscard]] OwnedComparison sliced(Comparison const& whole, LayerRange layers);

/// A comparison in one replicate: the rows of the clusters drawn, in every table of it. Where a cluster is
/// drawn twice, all clusters get new ids, equal in all tables: pairs stay pairs. `weights` [C] of `clusters`,
/// which hold all of both groups. Throws ConfigError where a group has none of the clusters drawn.
[[nodiscard]] OwnedComparison drawn(Comparison const& whole, std::span<std::int64_t const> clusters,
                                    std::span<std::int16_t const> weights);

}  // namespace moerae
