#pragma once

#include <cstdint>
#include <functional>

#include "reduce/contrast/comparison.hpp"

namespace moerae::test {

/// Two groups of clusters and the same with the groups in each other's place.
struct MadeGroups {
  UsageTable a, b;
  SameToken same, same_turned;
  [[nodiscard]] Comparison compare() const { return {Group(a), Group(b), &same}; }
  [[nodiscard]] Comparison turned() const { return {Group(b), Group(a), &same_turned}; }
};

/// Usage of one expert by one cluster of one group.
struct MadeCell {
  bool in_a = false;
  std::int64_t cluster = 0;
  std::int32_t topic = 0;
  std::size_t expert = 0;  ///< in [L*K]
};
using MadeRate = std::function<double(MadeCell const&)>;

struct MadeGroupsOptions {
  int pairs = 14, alone = 8;  ///< clusters in both groups, and in one only (of each)
  int topics = 3;
  std::uint64_t seed = 1;
};

/// Clusters have 20 to 59 tokens, of which expert e is selected by about the share `rate`; mass is a quarter
/// a selection, length the tokens. Clusters in one group only prefer low topics in a and high ones in b. The
/// rows of same tokens hold the deviation from the pooled rate.
[[nodiscard]] MadeGroups made_groups(ExpertSpace const& space, MadeGroupsOptions const& options,
                                     MadeRate const& rate);

/// Experts of every layer reordered: column e goes to order[e] [K].
[[nodiscard]] MadeGroups relabelled(MadeGroups const& groups, std::vector<std::size_t> const& order);

}  // namespace moerae::test
