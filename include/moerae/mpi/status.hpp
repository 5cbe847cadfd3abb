#pragma once

namespace moerae::mpi {

/// What a rank tells the others at the end of a step; the largest of all counts.
enum class Status : int {
  idle = 0,     ///< nothing left to do
  waiting = 1,  ///< for the others of its group, to begin something together
  busy = 2,
  stop = 3,  ///< asked to stop early
  error = 4
};

}  // namespace moerae::mpi
