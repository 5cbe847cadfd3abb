#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "moerae/mpi/comm.hpp"
#include "moerae/reduce/contrast/statistic.hpp"

namespace moerae {

/// Fewer units that can move say nothing worth a p value.
inline constexpr std::size_t fewest_movable = 20;

struct TestedStatistic {
  std::string name;
  MakeStatistic make = nullptr;
  bool pairs_only = false;  ///< looks at pairs only: only they count as units that can move
};

struct PermutationOptions {
  std::int64_t permutations = 20000;
  std::uint64_t seed = 0;
  double confidence = .95;          ///< of the bound on true discoveries
  std::size_t memory = 1ULL << 30;  ///< bytes of a rank for labels and T of a block of replicates
};

/// Of one statistic over all experts of the model. Printed beside it: q holds for positively dependent p,
/// which is not proven here; a small p says that routing differs between the groups within the strata, not
/// why.
struct Significance {
  std::string statistic;
  std::vector<double> t;                 ///< [E] observed
  std::vector<double> p_adjusted, p, q;  ///< [E] max-T, marginal, Benjamini-Hochberg; empty when refused
  double lambda = 0;                     ///< for true_discoveries(lambda, E, t of the set)
  std::size_t units = 0, pairs = 0, movable = 0;
  double smallest_p = 1;
  std::int64_t permutations = 0;  ///< 0 when refused
  std::string refused;            ///< why there are no p values; empty where there are
};

/// Calls its argument with every tile of the model, layers ascending, experts 0..E-1 without gaps; the
/// clusters of all tiles are those of the Relabelling. Called once per block of replicates, on every rank
/// equally often, so that it may be collective; once where memory holds all replicates of a rank.
using ForEachTile = std::function<void(std::function<void(Comparison const& tile)> const&)>;

/// Tests all statistics with the same relabellings: replicates 0..B-1 are dealt to the ranks; p values and
/// lambda are the same bytes on any number of ranks, for any tiles and any memory. Collective. `experts` is
/// E, that of all tiles together. What a statistic throws (paired_t with too few pairs: ConfigError) passes
/// through.
[[nodiscard]] std::vector<Significance> permutation_test(mpi::Comm const& comm, Relabelling const& exchange,
                                                         std::span<TestedStatistic const> statistics,
                                                         std::size_t experts,
                                                         ForEachTile const& for_each_tile,
                                                         PermutationOptions const& options);

}  // namespace moerae
