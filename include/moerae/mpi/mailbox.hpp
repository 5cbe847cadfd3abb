#pragma once

#include <mpi.h>

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "moerae/mpi/comm.hpp"

namespace moerae::mpi {

/// Short messages of any rank to rank 0 while all ranks work on: posting never waits for rank 0. Only
/// `finish` and the constructor are collective.
class Mailbox {
 public:
  explicit Mailbox(Comm const& comm) : comm_(comm.duplicate()) {}
  Mailbox(Mailbox const&) = delete;
  Mailbox& operator=(Mailbox const&) = delete;
  ~Mailbox();

  void post(std::string message);
  /// Rank 0: what has arrived so far, in order of each sender. Other ranks: empty.
  [[nodiscard]] std::vector<std::string> collect();
  /// Rank 0: everything that was posted and not collected yet. Collective; nothing may be posted afterwards.
  [[nodiscard]] std::vector<std::string> finish();

 private:
  struct Sent {
    std::string text;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  Comm comm_;
  std::list<Sent> sent_;          // buffers of messages under way: their address must not change
  std::vector<std::string> own_;  // posted on rank 0
  std::int64_t posted_ = 0, received_ = 0;
};

}  // namespace moerae::mpi
