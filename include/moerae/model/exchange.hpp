#pragma once

#include <torch/types.h>

#include <memory>

#include "moerae/model/router.hpp"
#include "moerae/model/weights.hpp"
#include "moerae/mpi/comm.hpp"
#include "moerae/mpi/lockstep.hpp"

namespace moerae {

/// Brings tokens and the experts they chose together across the ranks of an expert group. All ranks of the
/// group call `run` for the same layers in the same order, with zero tokens where they have none.
class ExpertExchange {
 public:
  virtual ~ExpertExchange() = default;

  /// Routed output of this rank's tokens: x [T, H] -> [T, H]. Collective over the group. Throws
  /// mpi::PeerFailure when a rank has announced its failure.
  [[nodiscard]] virtual torch::Tensor run(torch::Tensor const& x, RoutingDecision const& decision,
                                          MoeWeights const& own) = 0;
  /// Ends a batch: the worst status of the group. Collective. Throws mpi::PeerFailure as `run` does.
  [[nodiscard]] virtual mpi::Status finish_batch(mpi::Status mine) = 0;
  /// Tells the group that this rank failed, in place of its next call; afterwards nothing more may be called.
  /// False where it cannot be told: the failure came from inside `run`, whose peers wait for rows and not for
  /// a status, so that only MPI_Abort ends them.
  [[nodiscard]] virtual bool announce_failure() noexcept = 0;
};

/// `dispatch`: tokens travel to the experts, once per destination rank, and come back as one partial sum per
/// destination. A group of one rank computes in place. `share` says who owns which expert.
[[nodiscard]] std::unique_ptr<ExpertExchange> make_dispatch_exchange(mpi::Comm const& group,
                                                                     ExpertShare share);

}  // namespace moerae
