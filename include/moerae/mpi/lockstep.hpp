#pragma once

#include <mpi.h>

#include "moerae/mpi/comm.hpp"
#include "moerae/mpi/status.hpp"

namespace moerae::mpi {

/// Agreement between ranks that work at their own pace, for as long as one of them is busy. Each step
/// contributes this rank's status to a nonblocking allreduce and returns what the step before came to, so
/// that nobody waits for a rank that is less than one step behind. All ranks see the same status at the same
/// step: busy: go on; idle: all are; stop or error: a rank has said so. Every rank calls `step` until it
/// returns something else than busy.
class Lockstep {
 public:
  explicit Lockstep(Comm const& comm) : comm_(comm) {}
  Lockstep(Lockstep const&) = delete;
  Lockstep& operator=(Lockstep const&) = delete;

  [[nodiscard]] Status step(Status mine);

 private:
  [[nodiscard]] Status before();

  Comm const& comm_;
  MPI_Request pending_ = MPI_REQUEST_NULL;
  int sent_ = 0, received_ = static_cast<int>(Status::busy);
};

}  // namespace moerae::mpi
