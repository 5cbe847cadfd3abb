#include "reduce/replication/halves.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "moerae/base/draws.hpp"
#include "reduce/stability/drawn_comparison.hpp"

namespace moerae {
namespace {

std::optional<std::int32_t> topic_in(UsageTable const& table, std::int64_t cluster) {
  auto const at = std::ranges::lower_bound(table.clusters, cluster);
  if (at == table.clusters.end() || *at != cluster) return std::nullopt;
  return table.topic[static_cast<std::size_t>(at - table.clusters.begin())];
}

}  // namespace

Halves split_halves(UsageTable const& a, UsageTable const& b, std::uint64_t seed, std::uint32_t split) {
  Halves halves{clusters_of_both(a, b), {}};
  using Unit = std::tuple<std::int32_t, std::int32_t, std::uint64_t, std::size_t>;  // topics, key, index
  std::array<std::vector<Unit>, 3> units;                                           // pairs, a alone, b alone
  for (std::size_t c = 0; c < halves.clusters.size(); ++c) {
    auto const id = halves.clusters[c];
    auto const of_a = topic_in(a, id), of_b = topic_in(b, id);
    units[of_a && of_b ? 0
          : of_a       ? 1
                       : 2]
        .emplace_back(of_a.value_or(-1), of_b.value_or(-1), draw_key(seed, Draw::halves, split, id), c);
  }
  halves.second.resize(halves.clusters.size());
  for (auto& some : units) {  // dealt in turn; those alone go on where the pairs ended
    auto const first = &some == &units[0] ? 0 : units[0].size();
    std::ranges::sort(some);
    for (std::size_t i = 0; i < some.size(); ++i) halves.second[std::get<3>(some[i])] = (first + i) % 2 == 1;
  }
  return halves;
}

}  // namespace moerae
