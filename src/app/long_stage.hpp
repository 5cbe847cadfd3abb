#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/context.hpp"
#include "app/model_inputs.hpp"
#include "moerae/base/stop.hpp"
#include "moerae/model/session.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/grid.hpp"
#include "moerae/run/drive.hpp"
#include "moerae/run/folder.hpp"
#include "moerae/run/ledger.hpp"

namespace moerae {

// What the stages that compute do alike. All of it is collective and throws the agreed error.

/// A long stage before a weight is read: its job, with `inputs`, `units` and `corpus`, where its results lie,
/// and the units that are done.
template <class Job>
struct LongStage {
  Job job;
  run::RunFolder folder;
  run::UnitSet done;
  [[nodiscard]] bool complete() const { return done.size() == job.units.size(); }
};

/// Makes the folder of a stage, on rank 0, and opens this rank's log. Returns the units that are done.
[[nodiscard]] run::UnitSet prepare_stage(Context const& context, Study const& study, run::RunFolder& folder,
                                         std::filesystem::path const& corpus,
                                         std::span<run::Unit const> units);

/// `make`: Study -> Job.
template <class Make>
[[nodiscard]] auto open_stage(Context const& context, Study const& study, std::string const& stage,
                              Make const& make) {
  std::optional<decltype(make(study))> job;
  std::optional<run::RunFolder> folder;
  mpi::agree(context.world, [&] {
    job = make(study);
    folder.emplace(study.run.dir, stage, job->inputs);
  });
  auto done = prepare_stage(context, study, *folder, job->corpus.path, job->units);
  return LongStage<decltype(make(study))>{std::move(*job), std::move(*folder), std::move(done)};
}

/// Puts model.adapter, where one is given, on the model of the session, which is another model from here on.
/// Throws ConfigError where the adapter was trained on other weights.
void adapt(mpi::Comm const& world, Session& session, Study const& study, ModelInputs const& inputs);

/// Refuses weights other than those behind the units that are done.
void check_same_weights(mpi::Comm const& world, run::RunFolder const& folder,
                        std::span<run::Unit const> units, run::UnitSet const& done,
                        std::string const& weights_hash);

/// What the files of a stage say about their origin, but for what differs from file to file.
[[nodiscard]] store::Provenance stage_provenance(Context const& context, Study const& study,
                                                 std::string const& schema, run::RunFolder const& folder,
                                                 mpi::Grid const& grid);

/// Makes what this rank has to do of a stage, or of a round of it. Not collective.
using MakeWork = std::function<std::unique_ptr<run::Work>()>;

/// Drives the rounds to their end, one when all ranks are through with that before, and enters what was
/// published. The seconds it took; nothing where it was stopped early, which is said.
[[nodiscard]] std::optional<double> work_through(mpi::Comm const& world, Session& session,
                                                 std::vector<MakeWork> const& rounds,
                                                 run::RunFolder const& folder,
                                                 std::span<run::Unit const> units, run::Ledger& ledger,
                                                 StopRequest const& stop);

}  // namespace moerae
