#include "app/long_stage.hpp"

#include "app/options/print.hpp"
#include "moerae/base/log.hpp"
#include "moerae/mpi/agree.hpp"

namespace moerae {

run::UnitSet prepare_stage(Context const& context, Study const& study, run::RunFolder& folder,
                           std::filesystem::path const& corpus, std::vector<run::Unit> const& units) {
  mpi::agree(context.world, [&] {
    if (context.world.rank() == 0) folder.prepare(print_study(study), corpus, units.size());
  });
  run::UnitSet done;
  mpi::agree(context.world, [&] {
    add_log_file(folder.dir() / "log", context.world.rank());
    done = folder.finished(units);
  });
  return done;
}

store::Provenance stage_provenance(Context const& context, Study const& study, std::string const& schema,
                                   run::RunFolder const& folder, mpi::Grid const& grid) {
  auto origin = context.provenance(schema, study);
  origin.model_id = study.model.path.filename().string();
  origin.stage_hash = folder.stage().hash;
  origin.grid = fmt::format("{}x{}", grid.data_width, grid.expert_width);
  return origin;
}

}  // namespace moerae
