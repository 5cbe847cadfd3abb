#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "moerae/mpi/comm.hpp"

namespace moerae {

/// How often each expert was among the N largest of its field (its layer, or the model), for every N of a
/// path. A mergeable value: integers.
class TopCounter {
 public:
  /// `sizes` [A] ascending, each below the size of a field; `experts` of the model.
  TopCounter(std::vector<std::int32_t> sizes, std::size_t experts);

  /// One field in one replicate: `keys` of the experts `first`, first + 1, ...; ties by the lowest index.
  /// Keys not above `above` are in no top N.
  void add(std::span<double const> keys, std::size_t first, double above);

  /// [A, L*K] counts over the replicates of all ranks. Collective; once.
  [[nodiscard]] std::vector<std::int64_t> path(mpi::Comm const& comm);

 private:
  std::vector<std::int32_t> sizes_;
  std::size_t experts_;
  std::vector<std::size_t> entered_;  // [largest N] rank -> index of the smallest size above it
  std::vector<std::int64_t> counts_;  // [A, L*K] at the smallest size only
  std::vector<std::size_t> order_;
};

}  // namespace moerae
