#pragma once

#include <functional>
#include <string>

#include "app/record_job.hpp"
#include "moerae/model/schedule/resident.hpp"
#include "moerae/mpi/grid.hpp"
#include "moerae/mpi/lockstep.hpp"
#include "moerae/record/bundles.hpp"
#include "moerae/record/recorder.hpp"

namespace moerae {

/// How the loop meets the world around it. All are called on the rank's own thread.
struct RecordHooks {
  std::function<bool()> stop_requested;  ///< asked before every batch
  std::function<void(Shard const&, ShardRecord const&)> publish;
  std::function<void()> after_batch;  ///< also at the steps of other groups when this one is through
};

/// Records this rank's part of every bundle of its group. Ranks of a group advance batch by batch in
/// lockstep, groups at most one batch apart. A stop or a failure on any rank ends the loop of all ranks at
/// the same step. Collective over world; throws the agreed error on every rank, returns ok or stop.
[[nodiscard]] mpi::Status record_bundles(mpi::Comm const& world, mpi::Grid const& grid, RecordJob const& job,
                                         RecordOptions const& options, std::vector<Bundle> const& bundles,
                                         ResidentModel const& model, mpi::GroupStatus& status,
                                         RecordHooks const& hooks);

}  // namespace moerae
