#include "app/long_stage.hpp"

#include "app/options/print.hpp"
#include "moerae/base/log.hpp"
#include "moerae/run/conclude.hpp"
#include "moerae/run/journal.hpp"
#include "moerae/store/adapters.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/tune/apply_adapter.hpp"

namespace moerae {

run::UnitSet prepare_stage(Context const& context, Study const& study, run::RunFolder& folder,
                           std::filesystem::path const& corpus, std::span<run::Unit const> units) {
  mpi::agree(context.world, [&] {
    if (context.world.rank() == 0) {
      folder.prepare(print_study(study), corpus, units);
      run::note_begin(folder.dir(), folder.stage().stage, folder.stage().path.filename().string());
    }
  });
  run::UnitSet done;
  mpi::agree(context.world, [&] {
    add_log_file(folder.dir() / "log", context.world.rank());
    done = folder.finished(units);
  });
  return done;
}

void adapt(mpi::Comm const& world, Session& session, Study const& study, ModelInputs const& inputs) {
  if (inputs.adapter.is_null()) return;
  mpi::agree(world, [&] {
    auto const adapter = store::AdapterReader::open(study.model.adapter);
    validate<ConfigError>(
        adapter.weights_hash() == session.checkpoint_hash(),
        "model.adapter = {}: it was trained on the weights {}, but model.path holds the weights {}; "
        "it fits the model that it was trained on only",
        study.model.adapter.string(), adapter.weights_hash(), session.checkpoint_hash());
    apply_adapter(inputs.model.plan, session.weights(), adapter, study.model.adapter_scale);
  });
  session.rename(session.checkpoint_hash().substr(0, 16) + store::text_hash(inputs.adapter.dump()));
}

void check_same_weights(mpi::Comm const& world, run::RunFolder const& folder,
                        std::span<run::Unit const> units, run::UnitSet const& done,
                        std::string const& weights_hash) {
  mpi::agree(world, [&] {
    if (world.rank() == 0 && !done.empty()) folder.check_same_weights(units[*done.begin()], weights_hash);
  });
}

store::Provenance stage_provenance(Context const& context, Study const& study, std::string const& schema,
                                   run::RunFolder const& folder, mpi::Grid const& grid) {
  auto origin = context.provenance(schema, study);
  origin.model_id = study.model.path.filename().string();
  origin.stage_hash = folder.stage().hash;
  origin.grid = fmt::format("{}x{}", grid.data_width, grid.expert_width);
  return origin;
}

std::optional<double> work_through(mpi::Comm const& world, Session& session,
                                   std::vector<MakeWork> const& rounds, run::RunFolder const& folder,
                                   std::span<run::Unit const> units, run::Ledger& ledger,
                                   StopRequest const& stop) {
  auto outcome = mpi::Status::idle;
  for (auto const& make : rounds) {
    std::unique_ptr<run::Work> work;
    mpi::agree(world, [&] { work = make(); });
    outcome = run::drive(world, session.status(), *work, [&] { return stop.requested(); });
    if (outcome == mpi::Status::stop) break;
  }
  auto const seconds = ledger.seconds();
  if (run::conclude(world, folder, units, ledger, outcome, stop) != ExitCode::complete) return {};
  return seconds;
}

}  // namespace moerae
