#include <spdlog/spdlog.h>

#include <algorithm>

#include "app/context.hpp"
#include "app/evaluate_work.hpp"
#include "app/long_stage.hpp"
#include "moerae/evaluate/reply_shard.hpp"
#include "moerae/mpi/collective.hpp"
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
  std::int64_t kept = 0;
  auto const publish = [&](std::size_t unit, std::vector<Reply const*> const& replies,
                           BaseReplies const* base) {
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
                        job.blocks[block].conditions[c], format, origin, base);
      ledger.post(path, static_cast<std::int64_t>(prompts.size()));
    }
    kept += std::ranges::count_if(replies, [](Reply const* reply) { return reply->kept(); });
  };
  auto const base_of = [&](std::size_t shard) -> std::optional<BaseReplies> {
    if (!study.evaluate.reuse) return {};
    std::vector<std::uint64_t> prompts;
    for (auto entry = job.shards[shard].first; entry < job.shards[shard].last; ++entry)
      prompts.push_back(job.corpus.prompt_id[job.selected[entry]]);
    return read_base_replies(folder.path_of(job.units[shard].files.front()), prompts);
  };
  auto const model = session.model();
  auto const round = [&](run::UnitRange units) -> MakeWork {
    auto const share =
        share_of(open_bundles(job.units, units, done, grid.expert_width), grid.group, grid.data_width);
    return [&, share] {
      return std::make_unique<EvaluateWork>(job, share, grid.member, model,
                                            EvaluateWork::Hooks{base_of, publish, [&] { ledger.collect(); }});
    };
  };
  // the base condition first: the others keep those of its replies that they do not touch
  auto const base = job.shards.size();
  auto const seconds = work_through(world, session, {round({0, base}), round({base, job.units.size()})},
                                    folder, job.units, ledger, stop);
  if (!seconds) return ExitCode::stopped;
  kept = mpi::sum(world, kept);
  spdlog::info("evaluated {} replies in {:.3f} s ({:.1f} replies/s)", open, *seconds,
               static_cast<double>(open) / *seconds);
  if (conditions > 1)
    spdlog::info(
        "evaluate: {} of these replies were kept from none, where no token had chosen an expert that its "
        "condition edits",
        kept);
  return ExitCode::complete;
}

}  // namespace moerae
