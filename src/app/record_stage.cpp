#include <spdlog/spdlog.h>

#include "app/context.hpp"
#include "app/long_stage.hpp"
#include "app/record_work.hpp"
#include "moerae/record/shard_writer.hpp"

namespace moerae {
namespace {

store::Provenance origin_of(Context const& context, Study const& study, RecordJob const& job,
                            run::RunFolder const& folder, mpi::Grid const& grid) {
  auto origin = stage_provenance(context, study, routing_schema, folder, grid);
  origin.tokenizer_hash = job.corpus.tokenizer_hash;
  origin.shards = static_cast<std::int64_t>(job.shards.size());
  origin.prompt_equivalent = study.record.routing || study.record.logits != Logits::none;
  return origin;
}

}  // namespace

ExitCode run_record(Context const& context, Study const& study) {
  auto const& world = context.world;
  StopRequest const stop(study.run.wall_limit);
  auto const grid = mpi::Grid::over(world, study.grid.expert);
  auto const opened = open_stage(context, study, "record", make_record_job);
  auto const& job = opened.job;
  auto const& folder = opened.folder;
  auto const& done = opened.done;
  auto const open = job.open(done);
  spdlog::info("record: {} prompts, {} tokens in {} shards, {} of them done; {} in {}, grid {}x{}, into {}",
               job.selected.size(), job.tokens(), job.shards.size(), done.size(), job.model.plan.family,
               job.model.dtype, grid.data_width, grid.expert_width, folder.stage().path.string());
  if (opened.complete()) {
    spdlog::info("record: nothing to do, all shards are there");
    return ExitCode::complete;
  }

  Session session(world, grid, job.model, Head::drop);
  adapt(world, session, study, job);
  check_same_weights(world, folder, job.units, done, session.weights_hash());
  spdlog::info("record: weights {} loaded, {} MB read by rank 0, {} thread(s) a rank", session.weights_hash(),
               session.bytes_read() >> 20, Session::threads());

  run::Ledger ledger(world, folder.dir(), "record", "tokens", open.tokens);
  auto origin = origin_of(context, study, job, folder, grid);
  origin.weights_hash = session.weights_hash();
  auto const publish = [&](Shard const& shard, ShardRecord const& record) {
    origin.created_utc = store::utc_now();
    origin.shard = shard.id.value;
    auto const path = folder.path_of(job.units[static_cast<std::size_t>(shard.id.value)].files.front());
    write_shard(path, record, job.precision, origin);
    ledger.post(path, shard.tokens());
  };
  auto const model = session.model();
  auto const share = share_of(open_bundles(job.units, done, grid.expert_width), grid.group, grid.data_width);
  auto const work = [&] {
    return std::make_unique<RecordWork>(job, study.record, share, grid.member, model,
                                        RecordWork::Hooks{publish, [&] { ledger.collect(); }});
  };
  auto const seconds = work_through(world, session, {work}, folder, job.units, ledger, stop);
  if (!seconds) return ExitCode::stopped;
  spdlog::info("recorded {} prompts, {} tokens in {:.3f} s ({:.1f} tokens/s)", open.prompts, open.tokens,
               *seconds, static_cast<double>(open.tokens) / *seconds);
  return ExitCode::complete;
}

}  // namespace moerae
