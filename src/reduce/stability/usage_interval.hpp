#pragma once

#include <cstdint>
#include <vector>

#include "moerae/mpi/comm.hpp"
#include "moerae/reduce/resampling/replicates.hpp"
#include "moerae/reduce/usage/usage_table.hpp"

namespace moerae {

/// 95 % intervals of activation probabilities.
struct UsageInterval {
  std::vector<double> low, high;  ///< [L*K] of the tables given
};

/// Percentile intervals from the cluster bootstrap (Davison and Hinkley 1997, section 5.3): C clusters are
/// drawn with replacement R = 1,999 times, p* = activations over tokens of the draw, the ends are the 50th
/// and the 1,950th of the sorted p*, that is the (R + 1) .025-th and .975-th. Percentiles rather than BCa:
/// they stay within 0..1 and exist where all p* are equal (an expert that is never used), BCa's correction
/// does not. With few clusters they cover a little less than 95 %.
class UsageIntervals {
 public:
  static constexpr std::int64_t replicates = 1999, low_rank = 50, high_rank = 1950;

  /// `comm` must outlive the object.
  UsageIntervals(mpi::Comm const& comm, std::uint64_t seed);

  /// Of any layers: draws belong to (seed, replicate, draw), so that tiles give what the whole model gives.
  /// Collective: replicates are shared out over the ranks, the result is on every rank and the same for any
  /// number of them. Throws AgreedError (bad configuration) with fewer than 2 clusters, or where a draw can
  /// have no tokens.
  [[nodiscard]] UsageInterval of(UsageTable const& table);

 private:
  mpi::Comm const& comm_;
  std::vector<std::int64_t> mine_;
  ReplicateWeights weights_;
};

}  // namespace moerae
