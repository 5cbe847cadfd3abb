#pragma once

#include "reduce/usage/usage_table.hpp"

namespace moerae {

/// Usage of the experts where only the token counts, not which tokens a group happens to have: each token's
/// selection minus the share with which both groups together select the expert at that token id, summed over
/// the tokens of a cluster whose id occurs in both groups (Cochran-Mantel-Haenszel's observed minus expected
/// with the token id as stratum). Rows are those of the table of each group.
struct SameToken {
  struct Rows {
    std::vector<std::int64_t> tokens;  ///< [C] that the sums are taken over; 0 where the cluster has none
    std::vector<std::int64_t> sum;     ///< [C, L*K] in units of `same_token_unit`
  };
  Rows a, b;
};
inline constexpr double same_token_unit = 1.0 / 65536.0;

/// Two groups of prompts; whatever is said of them is positive where it is more in `a`. Both have tokens and
/// the same experts. Clusters that stand in both (one goal and its twin) are pairs.
struct Comparison {
  Group a, b;
  SameToken const* same_token = nullptr;  ///< only where a criterion asks for it
};

}  // namespace moerae
