#pragma once

#include "moerae/model/exchange.hpp"

namespace moerae::test {

/// An expert group over all ranks of a communicator.
struct Group {
  Group(mpi::Comm const& comm, std::int64_t experts)
      : status(comm), transport(comm), exchange(status, transport, {experts, comm.size()}) {}
  mpi::GroupStatus status;
  mpi::MpiTransport transport;
  ExpertExchange exchange;
};

}  // namespace moerae::test
