#pragma once

#include <mpi.h>

#include "moerae/mpi/comm.hpp"

namespace moerae::mpi {

/// What a rank tells the others: the worst of all wins.
enum class Status : int { ok = 0, stop = 1, error = 2 };

/// Agreement between ranks that work at their own pace on a known number of steps. Each step contributes this
/// rank's status to a nonblocking allreduce and returns what the step before came to, so that nobody waits
/// for a rank that is less than one step behind. All ranks see the same status at the same step. Every rank
/// calls `step` until it returns something else than ok, or `steps` times and then `finish`.
class Lockstep {
 public:
  explicit Lockstep(Comm const& comm) : comm_(comm) {}
  Lockstep(Lockstep const&) = delete;
  Lockstep& operator=(Lockstep const&) = delete;

  [[nodiscard]] Status step(Status mine);
  /// The outcome of the last step.
  [[nodiscard]] Status finish();

 private:
  Comm const& comm_;
  MPI_Request pending_ = MPI_REQUEST_NULL;
  int sent_ = 0, received_ = 0;
};

}  // namespace moerae::mpi
