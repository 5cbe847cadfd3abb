#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "moerae/mpi/comm.hpp"

namespace moerae {

/// An expert that competes for the top N of its field (its layer, or the model) in one replicate.
struct Candidate {
  double key = 0;  ///< the higher the better, ties by the lowest index
  std::size_t expert = 0;
};

/// How often each expert was among the N best of its field, for every N of a path. A mergeable value:
/// integers.
class TopCounter {
 public:
  /// `sizes` [A] ascending, each below the size of a field; `experts` of the model.
  TopCounter(std::vector<std::int32_t> sizes, std::size_t experts);

  /// Leaves those that can still be in a top N.
  void keep_best(std::vector<Candidate>& candidates) const;
  /// All that compete in one field in one replicate; fewer than N: the top N is smaller. Sorts them.
  void add(std::vector<Candidate>& candidates);

  /// [A, L*K] counts over the replicates of all ranks. Collective; once.
  [[nodiscard]] std::vector<std::int64_t> path(mpi::Comm const& comm);

 private:
  std::size_t experts_;
  std::vector<std::size_t> entered_;  // [largest N] rank -> index of the smallest size above it
  std::vector<std::int64_t> counts_;  // [A, L*K] at the smallest size only
};

}  // namespace moerae
