#include "reduce/replication/halves.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "moerae/base/draws.hpp"
#include "reduce/contrast/relabelling.hpp"

namespace moerae {
namespace {

std::int32_t topic_of(UsageTable const& table, std::ptrdiff_t row) {
  return row < 0 ? -1 : table.topic[static_cast<std::size_t>(row)];
}

}  // namespace

Halves split_halves(UsageTable const& a, UsageTable const& b, std::uint64_t seed, std::uint32_t split) {
  Halves halves;
  using Dealt = std::tuple<std::int32_t, std::int32_t, std::uint64_t, std::size_t>;  // topics, key, index
  std::array<std::vector<Dealt>, 3> kinds;  // pairs, a alone, b alone
  for (auto const& unit : units_of(a, b)) {
    kinds[unit.pair()   ? 0
          : unit.a >= 0 ? 1
                        : 2]
        .emplace_back(topic_of(a, unit.a), topic_of(b, unit.b),
                      draw_key(seed, Draw::halves, split, unit.cluster), halves.clusters.size());
    halves.clusters.push_back(unit.cluster);
  }
  halves.second.resize(halves.clusters.size());
  for (auto& some : kinds) {  // dealt in turn; those alone go on where the pairs ended
    auto const first = &some == &kinds[0] ? 0 : kinds[0].size();
    std::ranges::sort(some);
    for (std::size_t i = 0; i < some.size(); ++i) halves.second[std::get<3>(some[i])] = (first + i) % 2 == 1;
  }
  return halves;
}

}  // namespace moerae
