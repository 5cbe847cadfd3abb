#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "moerae/reduce/usage/usage_table.hpp"

namespace moerae {

/// Rows of two tables in two random halves of their clusters.
struct Halves {
  std::array<std::vector<std::size_t>, 2> a, b;  ///< by half, ascending
};

/// Halves of the clusters of both groups: the two sides of a pair stand in the same half, and each topic is
/// halved (as evenly as the pairs allow; each group as a whole within one cluster). A pure function of (seed,
/// split, cluster ids, topics).
[[nodiscard]] Halves split_halves(UsageTable const& a, UsageTable const& b, std::uint64_t seed,
                                  std::uint32_t split);

}  // namespace moerae
