#include <spdlog/spdlog.h>

#include "app/attribute_work.hpp"
#include "app/context.hpp"
#include "app/long_stage.hpp"

namespace moerae {

ExitCode run_attribute(Context const& context, Study const& study) {
  auto const& world = context.world;
  StopRequest const stop(study.run.wall_limit);
  auto const grid = mpi::Grid::over(world, study.grid.expert);
  auto const opened = open_stage(context, study, "attribute", make_attribute_job);
  auto const& job = opened.job;
  auto const& folder = opened.folder;
  auto const& done = opened.done;
  spdlog::info("attribute: {} prompts in {} shards, {} of them done; {} in {}, grid {}x{}, into {}",
               job.selected.size(), job.shards.size(), done.size(), job.model.plan.family, job.model.dtype,
               grid.data_width, grid.expert_width, folder.stage().path.string());
  if (job.left_out > 0 && world.rank() == 0)
    spdlog::warn("attribute: {} prompts have no refusing or no complying opening and are left out",
                 job.left_out);
  if (!job.spared.empty())
    spdlog::info("attribute: random_mask leaves out {} super expert(s)", job.spared.size());
  if (opened.complete()) {
    spdlog::info("attribute: nothing to do, all shards are there");
    return ExitCode::complete;
  }

  Session session(world, grid, job.model, Head::keep);
  adapt(world, session, study, job);
  check_same_weights(world, folder, job.units, done, session.weights_hash());
  spdlog::info("attribute: weights {} loaded, {} thread(s) a rank", session.weights_hash(),
               Session::threads());

  auto const open = run::open_amount(job.units, done);
  run::Ledger ledger(world, folder.dir(), "attribute", "prompts", open);
  auto origin = stage_provenance(context, study, store::attribution_schema, folder, grid);
  origin.weights_hash = session.weights_hash();
  origin.tokenizer_hash = job.corpus.tokenizer_hash;
  origin.shards = static_cast<std::int64_t>(job.shards.size());
  auto const publish = [&](std::size_t unit, store::Attributed const& found) {
    origin.created_utc = store::utc_now();
    origin.shard = job.shards[unit].id.value;
    auto const path = folder.path_of(job.units[unit].files.front());
    store::write_attributed(path, found, origin);
    ledger.post(path, job.units[unit].amount);
  };
  auto const model = session.model();
  auto const share = share_of(open_bundles(job.units, done, grid.expert_width), grid.group, grid.data_width);
  auto const work = [&] {
    return std::make_unique<AttributeWork>(job, study.attribute, share, grid.member, model,
                                           AttributeWork::Hooks{publish, [&] { ledger.collect(); }});
  };
  auto const seconds = work_through(world, session, {work}, folder, job.units, ledger, stop);
  if (!seconds) return ExitCode::stopped;
  spdlog::info("attributed the margins of {} prompts in {:.3f} s ({:.1f} prompts/s)", open, *seconds,
               static_cast<double>(open) / *seconds);
  return ExitCode::complete;
}

}  // namespace moerae
