#include "moerae/mpi/lockstep.hpp"

#include <chrono>
#include <thread>

#include "moerae/mpi/environment.hpp"

namespace moerae::mpi {

// What the step before came to. A rank without work waits here for long: sleeping leaves its core to the
// others.
Status Lockstep::before() {
  auto pause = std::chrono::microseconds(20);
  for (int done = pending_ == MPI_REQUEST_NULL; !done;) {
    check(MPI_Test(&pending_, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done) break;
    std::this_thread::sleep_for(pause);
    if (pause < std::chrono::milliseconds(2)) pause *= 2;
  }
  return static_cast<Status>(received_);
}

Status Lockstep::step(Status mine) {
  if (comm_.serial()) return mine;
  if (auto const known = before(); known != Status::busy) return known;
  sent_ = static_cast<int>(mine);
  check(MPI_Iallreduce(&sent_, &received_, 1, MPI_INT, MPI_MAX, comm_.raw(), &pending_), "MPI_Iallreduce");
  return Status::busy;
}

}  // namespace moerae::mpi
