#pragma once

#include <span>

#include "moerae/base/check.hpp"
#include "moerae/base/stop.hpp"
#include "moerae/mpi/status.hpp"
#include "moerae/run/folder.hpp"
#include "moerae/run/ledger.hpp"

namespace moerae::run {

/// The end of a long stage: enters what was published, and looks whether all units are there; a stop that
/// came with the last step is too late to matter. `outcome` is what `drive` returned. Otherwise says why it
/// stopped and how to go on. Collective; throws the agreed error.
[[nodiscard]] ExitCode conclude(mpi::Comm const& world, RunFolder const& folder, std::span<Unit const> units,
                                Ledger& ledger, mpi::Status outcome, StopRequest const& stop);

}  // namespace moerae::run
