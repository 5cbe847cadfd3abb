#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "moerae/mpi/comm.hpp"
#include "moerae/store/scores.hpp"
#include "reduce/significance/statistic.hpp"

namespace moerae {

/// Fewer units that can move say nothing worth a p value.
inline constexpr std::size_t fewest_movable = 20;

/// Labels [U] of the same units: as they were observed, and redrawn under the null hypothesis. `redrawn` is a
/// pure function of the replicate, the same on every rank.
struct Labellings {
  std::vector<Label> observed;
  std::function<std::vector<Label>(std::uint32_t replicate)> redrawn;
};

/// Of one statistic over all experts of the model. Printed beside it: q holds for positively dependent p,
/// which is not proven here; a small p says that the labels matter within what was exchanged, not why.
struct Significance : store::ScoreTest {
  std::vector<double> t;  ///< [L*K] observed; lambda is for true_discoveries(lambda, L*K, t of the set)
  std::vector<double> p;  ///< [L*K] marginal; empty when refused
};

struct PermutationOptions {
  std::int64_t permutations = 20000;
  double confidence = .95;          ///< of the bound on true discoveries
  std::size_t memory = 1ULL << 30;  ///< bytes of a rank for labels and T of a block of replicates
};

/// The next experts of the model, and each of the statistics for them (by its place among the designs).
struct StatisticTile {
  std::size_t experts = 0;
  std::function<std::unique_ptr<Statistic>(std::size_t)> make;
};

/// Calls its argument with every tile, experts 0..E-1 without gaps. Called once per block of replicates, on
/// every rank equally often, so that it may be collective; once where memory holds all replicates of a rank.
using ForEachTile = std::function<void(std::function<void(StatisticTile const& tile)> const&)>;

/// Tests all statistics with the same redrawn labels: replicates 0..B-1 are dealt to the ranks; p values and
/// lambda are the same bytes on any number of ranks, for any tiles and any memory. Of `designs` what is known
/// before the test is given: statistic, units, smallest p; a refused one gets its observed T only.
/// Collective. `experts` is E, that of all tiles together. What a statistic throws passes through.
[[nodiscard]] std::vector<Significance> permutation_test(mpi::Comm const& comm, Labellings const& labels,
                                                         std::span<store::ScoreTest const> designs,
                                                         std::size_t experts,
                                                         ForEachTile const& for_each_tile,
                                                         PermutationOptions const& options);

}  // namespace moerae
