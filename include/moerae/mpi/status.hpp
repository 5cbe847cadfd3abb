#pragma once

namespace moerae::mpi {

/// What a rank tells the others at the end of a step; the largest of all counts.
enum class Status : int {
  idle = 0,  ///< nothing left to do
  busy = 1,
  stop = 2,  ///< asked to stop early
  error = 3
};

}  // namespace moerae::mpi
