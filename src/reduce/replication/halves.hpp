#pragma once

#include <cstdint>
#include <vector>

#include "reduce/usage/usage_table.hpp"

namespace moerae {

/// Two random halves of the clusters of two groups.
struct Halves {
  std::vector<std::int64_t> clusters;  ///< [C] of either group, ascending
  std::vector<bool> second;            ///< [C] stands in the second half
};

/// The two sides of a pair stand in the same half, and each topic is halved (as evenly as the pairs allow;
/// each group as a whole within one cluster). A pure function of (seed, split, cluster ids, topics).
[[nodiscard]] Halves split_halves(UsageTable const& a, UsageTable const& b, std::uint64_t seed,
                                  std::uint32_t split);

}  // namespace moerae
