#include "moerae/run/drive.hpp"

#include <exception>

#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/lockstep.hpp"

namespace moerae::run {

using mpi::Status;

Status drive(mpi::Comm const& world, mpi::GroupStatus& group, Work& work,
             std::function<bool()> const& stop_requested) {
  auto const own = [&] {
    return work.finished() ? Status::idle : work.waiting() ? Status::waiting : Status::busy;
  };
  mpi::Lockstep lockstep(world);
  // of this group: when it is no longer busy it does nothing more until all groups know
  auto status = group.finish_step(own());
  auto outcome = Status::busy;
  std::exception_ptr error;
  while (outcome == Status::busy) {
    bool const together = status == Status::busy || status == Status::waiting;
    try {
      if (together) {
        if (status == Status::waiting) work.go_on();
        work.step();
        status = group.finish_step(stop_requested() ? Status::stop : own());
      } else if (!error) {
        work.idle();
      }
    } catch (mpi::PeerFailure const&) {
      error = std::current_exception();
    } catch (...) {
      error = std::current_exception();
      if (together && !group.announce_failure()) throw;  // else nobody of the group waits for this rank
    }
    if (error) status = Status::error;
    outcome = lockstep.step(status == Status::waiting ? Status::busy : status);
  }
  mpi::agree(world, error);
  return outcome;
}

}  // namespace moerae::run
