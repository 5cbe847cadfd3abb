#include "reduce/contrast/contrast_statistic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moerae {
namespace {

store::ScoreTest design_of(ContrastTest const& test, Relabelling const& exchange, std::int64_t permutations) {
  store::ScoreTest design{.statistic = std::string(test.statistic),
                          .units = exchange.units().size(),
                          .pairs = exchange.pairs(),
                          .movable = test.pairs_only ? exchange.pairs() : exchange.movable(),
                          .smallest_p = exchange.smallest_p(permutations, test.pairs_only)};
  if (design.movable < fewest_movable)
    design.refused = fmt::format(
        "only {} of {} clusters can change the group{}, fewer than {}: a p value would say nothing; give "
        "both groups clusters of the same topics and lengths, or more of them",
        design.movable, design.units, test.pairs_only ? " (pairs)" : "", fewest_movable);
  return design;
}

}  // namespace

std::vector<Significance> test_contrasts(mpi::Comm const& comm, Relabelling const& exchange,
                                         std::uint64_t seed, std::span<ContrastTest const* const> tests,
                                         std::size_t experts, ForEachComparison const& for_each_tile,
                                         PermutationOptions const& options) {
  std::vector<store::ScoreTest> designs;
  for (auto const* test : tests) designs.push_back(design_of(*test, exchange, options.permutations));
  Labellings const labels{exchange.observed(),
                          [&](std::uint32_t replicate) { return exchange.relabelled(seed, replicate); }};
  auto const tiles = [&](auto const& visit) {
    for_each_tile([&](Comparison const& tile) {
      visit({tile.a.clusters.space.size(), [&](std::size_t i) { return tests[i]->make(tile, exchange); }});
    });
  };
  return permutation_test(comm, labels, designs, experts, tiles, options);
}

}  // namespace moerae
