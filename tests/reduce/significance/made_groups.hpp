#pragma once

#include <cstdint>
#include <vector>

#include "reduce/contrast/comparison.hpp"

namespace moerae::test {

/// A table without usage: one topic, one length.
[[nodiscard]] UsageTable clusters_of(std::vector<std::int64_t> const& ids);

/// Uniform in [0, 1), by its number.
[[nodiscard]] double uniform(std::uint64_t seed, std::int64_t i, std::int64_t j = 0);

/// Random usage [clusters, layers * 8 experts] of top-2 routing, 20 to 79 tokens a cluster: every cluster has
/// its own rates. `seed` also gives the group its own numbers. Mass is .3 to .7 for each count.
[[nodiscard]] UsageTable random_usage(std::uint64_t seed, std::vector<std::int64_t> const& ids,
                                      std::int32_t layers = 2);

/// The layers `first` to `last - 1` (indices) of a table.
[[nodiscard]] UsageTable layers_of(UsageTable const& table, std::size_t first, std::size_t last);

/// first, first + 1, ...: n ids.
[[nodiscard]] std::vector<std::int64_t> ids(std::int64_t first, std::int64_t n);

}  // namespace moerae::test
