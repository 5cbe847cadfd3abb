#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reduce/significance/statistic.hpp"
#include "reduce/usage/usage_table.hpp"

namespace moerae {

/// Within what labels may be exchanged: clusters of one stratum only.
struct PermuteWithin {
  bool topic = true;   ///< the same topic; clusters of unknown topic are one stratum
  bool length = true;  ///< the same eighth of the lengths of both groups; equal lengths are never parted
};

/// One thing whose label can change under the null hypothesis. A cluster with prompts in both groups is a
/// pair: its two sides swap (a sign flip). Another cluster keeps its prompts together and changes the group.
struct Unit {
  std::int64_t cluster = 0;
  std::ptrdiff_t a = -1, b = -1;  ///< rows in the tables of the groups; a pair has both
  std::int32_t stratum = 0;       ///< of clusters that are no pair
  [[nodiscard]] bool pair() const { return a >= 0 && b >= 0; }
};

/// All clusters of both, ascending by id.
[[nodiscard]] std::vector<Unit> units_of(UsageTable const& a, UsageTable const& b);

/// What can be exchanged between two groups of prompts without a difference, if routing does not depend on
/// the group within a stratum. A label is 1 where a unit stands as it is (pair: not swapped; else: in group
/// a) and 0 where it is exchanged (pair: swapped; else: in group b).
class Relabelling {
 public:
  /// Units ascend by cluster id. Reads the clusters of the tables, their topics and lengths; not usage.
  Relabelling(UsageTable const& a, UsageTable const& b, PermuteWithin within);

  [[nodiscard]] std::span<Unit const> units() const { return units_; }
  [[nodiscard]] std::size_t pairs() const { return pairs_; }
  /// Units that can move: pairs, and clusters of a stratum with clusters of both groups.
  [[nodiscard]] std::size_t movable() const { return movable_; }
  /// The smallest p that `permutations` random relabellings (of all units, or of pairs only) can reach: 1/(B
  /// + 1), or 1/(number of different relabellings) where that is larger.
  [[nodiscard]] double smallest_p(std::int64_t permutations, bool pairs_only = false) const;

  /// [U] as they are.
  [[nodiscard]] std::vector<Label> observed() const;
  /// [U] under relabelling `replicate`: a pure function of (seed, replicate, cluster ids), the same on every
  /// rank. Pairs swap with chance one half; in each stratum as many clusters are in group a as before.
  [[nodiscard]] std::vector<Label> relabelled(std::uint64_t seed, std::uint32_t replicate) const;

 private:
  struct Stratum {
    std::vector<std::size_t> units;  ///< ascending
    std::size_t in_a = 0;
  };
  std::vector<Unit> units_;
  std::vector<Stratum> strata_;
  std::size_t pairs_ = 0, movable_ = 0;
};

}  // namespace moerae
