#pragma once

#include <vector>

#include "moerae/mpi/comm.hpp"
#include "moerae/mpi/status.hpp"

namespace moerae::mpi {

/// What the ranks of a group that exchange rows in lockstep tell each other of their state: a status word
/// travels with the counts of every exchange, whichever transport moves the rows. A rank that fails announces
/// it in place of its next call; the others learn of it in theirs and throw PeerFailure. All calls are
/// collective over the group; on a group of one none of them communicates.
class GroupStatus {
 public:
  explicit GroupStatus(Comm const& group) : comm_(group.duplicate()) {}

  /// Begins an exchange: rows that this rank has for each rank -> rows that each rank has for this one. From
  /// here to `rows_done` peers wait for rows and not for a status.
  [[nodiscard]] std::vector<int> counts(std::vector<int> const& to);
  /// Ends what `counts` began: all rows of the exchange have moved. Not collective.
  void rows_done() { rows_moving_ = false; }
  /// Ends a step: the worst status of the group.
  [[nodiscard]] Status finish_step(Status mine);
  /// Tells the group that this rank failed; afterwards nothing more may be called. False where it cannot be
  /// told: the failure came while rows were moving, so that only MPI_Abort ends the peers.
  [[nodiscard]] bool announce_failure() noexcept;

  [[nodiscard]] int size() const { return comm_.size(); }

 private:
  struct Told {
    std::vector<int> counts;  // [ranks]
    Status worst = Status::idle;
  };
  [[nodiscard]] Told tell(std::vector<int> const& counts, Status mine);

  Comm comm_;
  bool rows_moving_ = false;
};

}  // namespace moerae::mpi
