#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "moerae/mpi/comm.hpp"
#include "reduce/resampling/integer_product.hpp"
#include "reduce/resampling/resample.hpp"
#include "reduce/usage/usage_table.hpp"

namespace moerae {

/// The replicates of `samples` that this rank works on: rank, rank + size, ...
[[nodiscard]] std::vector<std::int64_t> replicates_of(mpi::Comm const& comm, std::int64_t samples);

/// Weights of some replicates, kept while the same are asked for again: tiles of one model have the same
/// clusters.
class ReplicateWeights {
 public:
  ReplicateWeights(Resampling kind, std::uint64_t seed) : kind_(kind), seed_(seed) {}

  /// [R, C]; valid until the next call. R is to be chosen so that R * C fits in memory.
  [[nodiscard]] std::span<std::int16_t const> rows(std::span<std::int64_t const> replicates,
                                                   std::span<std::int64_t const> clusters);
  /// The same as the integer product reads them.
  [[nodiscard]] PackedWeights const& packed(std::span<std::int64_t const> replicates,
                                            std::span<std::int64_t const> clusters);

 private:
  Resampling kind_;
  std::uint64_t seed_;
  std::vector<std::int64_t> replicates_, clusters_;
  std::vector<std::int16_t> rows_;
  std::optional<PackedWeights> packed_;
};

/// How many replicates of C clusters to draw at a time: at most 32 MiB of weights, and 4,096.
[[nodiscard]] std::size_t replicates_at_once(std::size_t clusters);

using VisitSums =
    std::function<void(std::size_t first_layer, std::size_t n, std::span<std::int64_t const> sums)>;
/// Activations in replicates, some whole layers of the table at a time: `visit` is given the index of the
/// first of them in the table, the number n of their experts and the sums [R, n]. Sums are exact; the number
/// of tokens of a replicate is the same for all experts: ranks need no division.
void each_layers_sums(UsageTable const& table, PackedWeights const& weights, VisitSums const& visit);

}  // namespace moerae
