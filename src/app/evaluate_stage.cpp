#include <spdlog/spdlog.h>

#include "app/context.hpp"
#include "app/evaluate_work.hpp"
#include "app/long_stage.hpp"
#include "moerae/evaluate/reply_shard.hpp"
#include "moerae/record/shard_record.hpp"

namespace moerae {
namespace {

// A set of the checkpoint is one of the tuned model, too: its experts are the same ones.
void check_sets(EvaluateJob const& job, Session const& session) {
  for (auto const& [condition, made_on] : job.made_on)
    validate<ConfigError>(
        made_on.empty() || made_on == session.weights_hash() || made_on == session.checkpoint_hash(),
        "{}: the set was made on a model with the weights {}, but model.path holds the weights "
        "{}; its experts are others here: select them on this model",
        condition, made_on, session.weights_hash());
}

}  // namespace

ExitCode run_evaluate(Context const& context, Study const& study) {
  auto const& world = context.world;
  StopRequest const stop(study.run.wall_limit);
  auto const grid = mpi::Grid::over(world, study.grid.expert);
  auto const opened = open_stage(context, study, "evaluate", make_evaluate_job);
  auto const& job = opened.job;
  auto const& folder = opened.folder;
  auto const& done = opened.done;
  std::size_t conditions = 0;
  for (auto const& block : job.blocks) {
    conditions += block.conditions.size();
    for (auto const& condition : block.conditions)
      if (!condition.supers.empty() && world.rank() == 0)
        spdlog::warn(
            "evaluate: {} changes {} super expert(s), which feed the attention sink: what it does may be "
            "damage",
            condition.spec.text(), condition.supers.size());
  }
  spdlog::info(
      "evaluate: {} prompts under {} conditions, {} units of work, {} of them done; {} in {}, grid {}x{}, "
      "into {}",
      job.selected.size(), conditions, job.units.size(), done.size(), job.model.plan.family, job.model.dtype,
      grid.data_width, grid.expert_width, folder.stage().path.string());
  if (opened.complete()) {
    spdlog::info("evaluate: nothing to do, all replies are there");
    return ExitCode::complete;
  }

  Session session(world, grid, job.model, Head::keep);
  adapt(world, session, study, job);
  mpi::agree(world, [&] { check_sets(job, session); });
  check_same_weights(world, folder, job.units, done, session.weights_hash());
  spdlog::info(
      "evaluate: weights {} loaded, {} sequences at once, {} MB of cache a rank, {} thread(s) a rank",
      session.weights_hash(), job.rules.slots, job.cache_bytes() >> 20, Session::threads());

  auto const open = run::open_amount(job.units, done);
  run::Ledger ledger(world, folder.dir(), "evaluate", "replies", open);
  auto origin = stage_provenance(context, study, routing_schema, folder, grid);
  origin.weights_hash = session.weights_hash();
  origin.tokenizer_hash = job.corpus.tokenizer_hash;
  origin.shards = static_cast<std::int64_t>(job.shards.size());
  origin.prompt_equivalent = true;
  ReplyFormat const format{job.space, study.evaluate.routing, job.precision};
  auto const publish = [&](std::size_t unit, std::vector<Reply> const& replies) {
    auto const& [block, shard] = job.parts[unit];
    auto const prompts =
        std::span(job.selected)
            .subspan(job.shards[shard].first, job.shards[shard].last - job.shards[shard].first);
    origin.created_utc = store::utc_now();
    origin.shard = job.shards[shard].id.value;
    for (std::size_t c = 0; c < job.units[unit].files.size(); ++c) {
      auto const path = folder.path_of(job.units[unit].files[c]);
      write_reply_shard(path, job.corpus, prompts,
                        std::span(replies).subspan(c * prompts.size(), prompts.size()),
                        job.blocks[block].conditions[c], format, origin);
      ledger.post(path, static_cast<std::int64_t>(prompts.size()));
    }
  };
  auto const model = session.model();
  EvaluateWork work(job,
                    share_of(open_bundles(job.units, done, grid.expert_width), grid.group, grid.data_width),
                    grid.member, model, {publish, [&] { ledger.collect(); }});
  auto const seconds = work_through(world, session, work, folder, job.units, ledger, stop);
  if (!seconds) return ExitCode::stopped;
  spdlog::info("evaluated {} replies in {:.3f} s ({:.1f} replies/s)", open, *seconds,
               static_cast<double>(open) / *seconds);
  return ExitCode::complete;
}

}  // namespace moerae
