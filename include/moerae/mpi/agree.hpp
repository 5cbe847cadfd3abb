#pragma once

#include <exception>
#include <functional>

#include "moerae/base/check.hpp"
#include "moerae/mpi/comm.hpp"

namespace moerae::mpi {

/// Another rank failed; its own error says why. Never the message a user sees.
class PeerFailure : public std::exception {
 public:
  [[nodiscard]] char const* what() const noexcept override { return "another rank of the group failed"; }
};

/// An error that every rank throws alike: the ranks may leave in good order.
class AgreedError : public Error {
 public:
  using Error::Error;
};

/// Agreement on failure at a phase boundary. Collective. `mine` is this rank's error or null. When any rank
/// has one, every rank throws the same AgreedError: that of the lowest rank whose error is not a PeerFailure,
/// with the rank named where there are several and the number of further failed ranks.
void agree(Comm const& comm, std::exception_ptr const& mine);

/// Runs `phase` on this rank, then agrees. Collective.
void agree(Comm const& comm, std::function<void()> const& phase);

}  // namespace moerae::mpi
