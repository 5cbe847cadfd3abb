#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "reduce/replication/halves.hpp"

namespace moerae::test {

/// Rows of a table in the first and in the second half, ascending.
[[nodiscard]] inline std::array<std::vector<std::size_t>, 2> half_rows(Halves const& halves,
                                                                       UsageTable const& table) {
  std::array<std::vector<std::size_t>, 2> rows;
  for (std::size_t row = 0; row < table.clusters.size(); ++row) {
    auto const at = std::ranges::lower_bound(halves.clusters, table.clusters[row]) - halves.clusters.begin();
    rows[halves.second[static_cast<std::size_t>(at)] ? 1 : 0].push_back(row);
  }
  return rows;
}

}  // namespace moerae::test
