#include "reduce/replication/halves.hpp"

#include <algorithm>
#include <tuple>

#include "moerae/reduce/resampling/resample.hpp"

namespace moerae {
namespace {

struct Side {
  std::int32_t topic_a, topic_b;
  std::uint64_t key;
  std::int64_t cluster;
  std::ptrdiff_t row_a, row_b;  // -1: not there
};

void deal(std::vector<Side>& units, std::size_t first, Halves& halves) {
  std::ranges::sort(units, {},
                    [](Side const& u) { return std::tuple(u.topic_a, u.topic_b, u.key, u.cluster); });
  for (std::size_t i = 0; i < units.size(); ++i) {
    auto const half = (first + i) % 2;
    if (units[i].row_a >= 0) halves.a[half].push_back(static_cast<std::size_t>(units[i].row_a));
    if (units[i].row_b >= 0) halves.b[half].push_back(static_cast<std::size_t>(units[i].row_b));
  }
}

}  // namespace

Halves split_halves(UsageTable const& a, UsageTable const& b, std::uint64_t seed, std::uint32_t split) {
  std::vector<Side> pairs, only_a, only_b;
  for (std::size_t i = 0, j = 0; i < a.clusters.size() || j < b.clusters.size();) {
    bool const in_a = i < a.clusters.size() && (j == b.clusters.size() || a.clusters[i] <= b.clusters[j]);
    bool const in_b = j < b.clusters.size() && (i == a.clusters.size() || b.clusters[j] <= a.clusters[i]);
    auto const cluster = in_a ? a.clusters[i] : b.clusters[j];
    Side const unit{in_a ? a.topic[i] : -1,
                    in_b ? b.topic[j] : -1,
                    cluster_key(seed, Stream::halves, split, cluster),
                    cluster,
                    in_a ? static_cast<std::ptrdiff_t>(i) : -1,
                    in_b ? static_cast<std::ptrdiff_t>(j) : -1};
    (in_a && in_b ? pairs : in_a ? only_a : only_b).push_back(unit);
    i += in_a ? 1 : 0;
    j += in_b ? 1 : 0;
  }
  Halves halves;
  deal(pairs, 0, halves);
  deal(only_a, pairs.size(), halves);
  deal(only_b, pairs.size(), halves);
  for (auto* group : {&halves.a, &halves.b})
    for (auto& rows : *group) std::ranges::sort(rows);
  return halves;
}

}  // namespace moerae
