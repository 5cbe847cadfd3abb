#include "moerae/run/conclude.hpp"

#include <spdlog/spdlog.h>

#include "moerae/mpi/agree.hpp"

namespace moerae::run {

ExitCode conclude(mpi::Comm const& world, RunFolder const& folder, std::span<Unit const> units,
                  Ledger& ledger, mpi::Status outcome, StopRequest const& stop) {
  mpi::agree(world, [&] { ledger.finish(); });
  bool complete = false;
  mpi::agree(world, [&] { complete = folder.finished(units).size() == units.size(); });
  ensure(complete || outcome == mpi::Status::stop, "{}: the work came to its end and left units open",
         folder.stage().stage);
  if (complete) return ExitCode::complete;
  auto const reason = stop.reason();
  spdlog::warn("{}: stopped early ({}); what is finished is kept: repeat the command to go on",
               folder.stage().stage, reason.empty() ? "asked on another rank" : reason);
  return ExitCode::stopped;
}

}  // namespace moerae::run
