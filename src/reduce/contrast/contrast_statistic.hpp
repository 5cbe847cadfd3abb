#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reduce/contrast/comparison.hpp"
#include "reduce/contrast/relabelling.hpp"
#include "reduce/significance/permutation.hpp"

namespace moerae {

/// A statistic of two groups under the labels of `exchange`, which must outlive it. Positive = more in group
/// a; its value at `Relabelling::observed()` is the score of the criterion of the same name.
using MakeStatistic = std::unique_ptr<Statistic> (*)(Comparison const& groups, Relabelling const& exchange);

/// Why two sets cannot be compared, empty where they can. Reads clusters, topics, lengths; not usage.
using Obstacle = std::string (*)(UsageTable const& a, UsageTable const& b);

/// What the significance of a criterion is of.
struct ContrastTest {
  std::string_view statistic;  ///< its name in results
  MakeStatistic make;          ///< ConfigError with the text of the obstacle where there is one
  bool pairs_only = false;     ///< looks at pairs only: only they count as units that can move
  Obstacle obstacle = nullptr;
};

/// Calls its argument with every tile of the model, as ForEachTile.
using ForEachComparison = std::function<void(std::function<void(Comparison const& tile)> const&)>;

/// permutation_test of several statistics of two groups. Refused, with the reason in the result, where fewer
/// than `fewest_movable` clusters can move. `seed` keys the relabellings. Collective. What a statistic throws
/// passes through.
[[nodiscard]] std::vector<Significance> test_contrasts(mpi::Comm const& comm, Relabelling const& exchange,
                                                       std::uint64_t seed,
                                                       std::span<ContrastTest const* const> tests,
                                                       std::size_t experts,
                                                       ForEachComparison const& for_each_tile,
                                                       PermutationOptions const& options);

}  // namespace moerae
