#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "moerae/reduce/contrast/comparison.hpp"

namespace moerae {

/// Ids of the clusters that stand in a group of the comparison, ascending, each once.
[[nodiscard]] std::vector<std::int64_t> clusters_of_both(Comparison const& groups);

/// Some whole layers of a comparison: what is drawn from it many times then stays in the cache.
class SlicedComparison {
 public:
  SlicedComparison(Comparison const& whole, std::size_t first_layer, std::size_t layers);
  SlicedComparison(SlicedComparison const&) = delete;
  SlicedComparison& operator=(SlicedComparison const&) = delete;

  [[nodiscard]] Comparison const& comparison() const { return *comparison_; }

 private:
  UsageTable a_, b_;
  SameToken same_token_;
  std::optional<Comparison> comparison_;
};

/// A comparison in one replicate: the rows of the clusters drawn, in every table of it. Where a cluster is
/// drawn twice, all clusters get new ids, equal in all tables: pairs stay pairs.
class DrawnComparison {
 public:
  /// `weights` [C] of `clusters`. Throws ConfigError where a group has none of the clusters drawn.
  DrawnComparison(Comparison const& whole, std::span<std::int64_t const> clusters,
                  std::span<std::int16_t const> weights);
  DrawnComparison(DrawnComparison const&) = delete;
  DrawnComparison& operator=(DrawnComparison const&) = delete;

  [[nodiscard]] Comparison const& comparison() const { return *comparison_; }

 private:
  UsageTable a_, b_;
  SameToken same_token_;
  std::optional<Comparison> comparison_;
};

}  // namespace moerae
