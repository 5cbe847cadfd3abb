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

/// A comparison that owns its tables.
class OwnedComparison {
 public:
  /// Every table of `whole` as `make` gives it.
  template <class Make>
  OwnedComparison(Comparison const& whole, Make const& make)
      : a_(make(whole.a.clusters)), b_(make(whole.b.clusters)) {
    if (whole.same_token) same_token_ = {make(whole.same_token->a), make(whole.same_token->b)};
    comparison_.emplace(Comparison{Group(a_), Group(b_), whole.same_token ? &same_token_ : nullptr});
  }
  OwnedComparison(OwnedComparison const&) = delete;
  OwnedComparison& operator=(OwnedComparison const&) = delete;

  [[nodiscard]] Comparison const& operator*() const { return *comparison_; }

 private:
  UsageTable a_, b_;
  SameToken same_token_;
  std::optional<Comparison> comparison_;
};

/// Some whole layers of a comparison: what is drawn from it many times then stays in the cache.
[[nodiscard]] OwnedComparison sliced(Comparison const& whole, std::size_t first_layer, std::size_t layers);

/// A comparison in one replicate: the rows of the clusters drawn, in every table of it. Where a cluster is
/// drawn twice, all clusters get new ids, equal in all tables: pairs stay pairs. `weights` [C] of `clusters`,
/// which hold all of both groups. Throws ConfigError where a group has none of the clusters drawn.
[[nodiscard]] OwnedComparison drawn(Comparison const& whole, std::span<std::int64_t const> clusters,
                                    std::span<std::int16_t const> weights);

}  // namespace moerae
