#pragma once

#include <functional>

#include "moerae/mpi/comm.hpp"
#include "moerae/mpi/group_status.hpp"

namespace moerae::run {

/// What a rank does in a long stage, step by step. The ranks of an expert group make their steps together;
/// how many there will be need not be known.
class Work {
 public:
  virtual ~Work() = default;
  /// Whether this rank has nothing left of its own. It still takes part in the steps of its group.
  [[nodiscard]] virtual bool finished() const = 0;
  /// Whether this rank waits until its whole group does, to begin its next part together. Never when
  /// finished.
  [[nodiscard]] virtual bool waiting() const { return false; }
  /// Begins that part: all ranks of the group that are not finished wait.
  virtual void go_on() {}
  /// One step, collective over the group: whatever exchanges it makes open with the group's counts.
  virtual void step() = 0;
  /// In place of a step when the whole group is through and others are not.
  virtual void idle() = 0;
};

/// Drives the work of all ranks to its end: groups at most one step apart, and none waits for another that is
/// less than one step behind. `stop_requested` is asked after every step; a stop or a failure on any rank
/// ends the steps of all ranks alike. Collective over `world`; returns idle (done) or stop, and throws the
/// agreed error on every rank. A failure that peers cannot be told (GroupStatus::announce_failure) is thrown
/// on this rank alone: the caller must end the program by MPI_Abort.
[[nodiscard]] mpi::Status drive(mpi::Comm const& world, mpi::GroupStatus& group, Work& work,
                                std::function<bool()> const& stop_requested);

}  // namespace moerae::run
