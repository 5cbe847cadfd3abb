#pragma once

#include <torch/types.h>

#include <vector>

#include "moerae/model/weights.hpp"
#include "moerae/mpi/group_status.hpp"
#include "moerae/mpi/transport.hpp"

namespace moerae {

/// The ways between the T tokens of this rank and the owners of the experts they chose, for one layer: every
/// token goes once to each rank that owns one of its experts, and R rows come here in order of the ranks.
/// Rows move without their autograd graph, on one rank too: the gradient of a routed output dy is forth(dy),
/// the gradient of apply_experts at the owner, and back of what it gave for rows and gates. `forth` and
/// `back` are collective over the group. A group of one rank moves nothing: both give back their argument.
class Routes {
 public:
  /// [T, ...] -> [R, ...], any dtype
  [[nodiscard]] torch::Tensor forth(torch::Tensor const& rows) const;
  /// [R, ...] -> [T, ...], the adjoint of forth: what the ranks have for a token is summed in order of the
  /// ranks, in float32, and given in the dtype of the rows.
  [[nodiscard]] torch::Tensor back(torch::Tensor const& rows) const;
  /// After the last row has moved: from here on a failure of this rank can be announced again. Routes that
  /// are never closed stand for a failure while peers wait for rows.
  void close() { status_->rows_done(); }

 private:
  friend class ExpertExchange;
  Routes(mpi::GroupStatus& status, mpi::Transport& transport, std::int64_t tokens, torch::Tensor index,
         std::vector<int> sent, std::vector<int> received);
  [[nodiscard]] torch::Tensor move(torch::Tensor const& rows, mpi::RowCounts const& out,
                                   mpi::RowCounts const& in) const;

  mpi::GroupStatus* status_;
  mpi::Transport* transport_;
  std::int64_t tokens_;
  torch::Tensor index_;  // [sent] token of each row that leaves, by destination; undefined: none moves
  mpi::RowCounts sent_, received_;
};

/// Brings tokens and the experts they chose together across the ranks of an expert group (`dispatch`: tokens
/// travel). All ranks of the group open and use routes for the same layers in the same order, with zero
/// tokens where they have none.
class ExpertExchange {
 public:
  /// `share` says who owns which expert. Group and transport are of the same ranks and outlive the exchange.
  ExpertExchange(mpi::GroupStatus& status, mpi::Transport& transport, ExpertShare share);

  /// experts [T, n] int64, ascending within a token. Collective over the group. Throws mpi::PeerFailure when
  /// a rank has announced its failure.
  [[nodiscard]] Routes open(torch::Tensor const& experts);

 private:
  mpi::GroupStatus& status_;
  mpi::Transport& transport_;
  std::vector<int> owner_;  // [K]
};

/// The expert group of a rank: its status word, what moves its rows, and the exchange over both. Stays where
/// it is made.
struct ExpertGroup {
  /// Collective over `group`.
  ExpertGroup(mpi::Comm const& group, std::int64_t experts)
      : status(group), transport(group), exchange(status, transport, {experts, group.size()}) {}
  ExpertGroup(ExpertGroup const&) = delete;
  ExpertGroup& operator=(ExpertGroup const&) = delete;

  mpi::GroupStatus status;
  mpi::MpiTransport transport;
  ExpertExchange exchange;
};

}  // namespace moerae
