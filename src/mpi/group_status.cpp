#include "moerae/mpi/group_status.hpp"

#include <algorithm>
#include <array>

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/environment.hpp"

namespace moerae::mpi {

GroupStatus::Told GroupStatus::tell(std::vector<int> const& counts, Status mine) {
  auto const ranks = static_cast<std::size_t>(comm_.size());
  expect(counts.size() == ranks, "{} counts for a group of {} ranks", counts.size(), ranks);
  std::vector<std::array<int, 2>> out(ranks), in(ranks);
  for (std::size_t r = 0; r < ranks; ++r) out[r] = {counts[r], static_cast<int>(mine)};
  if (ranks == 1)
    in = out;
  else
    check(MPI_Alltoall(out.data(), 2, MPI_INT, in.data(), 2, MPI_INT, comm_.raw()), "MPI_Alltoall");
  Told told;
  for (auto const& [count, status] : in) {
    told.counts.push_back(count);
    told.worst = std::max(told.worst, static_cast<Status>(status));
  }
  return told;
}

std::vector<int> GroupStatus::counts(std::vector<int> const& to) {
  auto told = tell(to, Status::busy);
  if (told.worst == Status::error) throw PeerFailure();
  rows_moving_ = true;
  return std::move(told.counts);
}

Status GroupStatus::finish_step(Status mine) {
  auto const worst = tell(std::vector<int>(static_cast<std::size_t>(comm_.size()), 0), mine).worst;
  if (worst == Status::error) throw PeerFailure();
  return worst;
}

bool GroupStatus::announce_failure() noexcept {
  if (comm_.size() == 1) return true;
  if (rows_moving_) return false;
  try {
    (void)tell(std::vector<int>(static_cast<std::size_t>(comm_.size()), 0), Status::error);
  } catch (...) {  // the peers are told; what they say back no longer matters
  }
  return true;
}

}  // namespace moerae::mpi
