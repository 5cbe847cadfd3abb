#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "app/context.hpp"
#include "app/long_stage.hpp"
#include "app/tune_files.hpp"
#include "app/tune_job.hpp"
#include "moerae/base/progress.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/tune/trainer.hpp"

namespace moerae {
namespace {

void check_set(TuneJob const& job, std::string const& weights_hash) {
  validate<ConfigError>(
      job.made_on.empty() || job.made_on == weights_hash,
      "tune.set: {} was made on a model with the weights {}, but model.path holds the weights {}; "
      "its experts are others here: select them on this model",
      job.set, job.made_on, weights_hash);
}

// What users of tuning tools miss most: experts that were chosen and never trained.
void report(Trainer::Result const& result) {
  auto const& info = result.info;
  std::vector<std::string> idle;
  for (std::size_t i = 0; i < info.experts.size(); ++i)
    if (info.tokens[i] == 0)
      idle.push_back(fmt::format("{}/{}", info.experts[i].layer.value, info.experts[i].expert.value));
  if (!idle.empty())
    spdlog::warn("tune: {} of {} chosen experts got no token and are as they were (layer/expert: {})",
                 idle.size(), info.experts.size(), fmt::join(idle, ", "));
}

}  // namespace

ExitCode run_tune(Context const& context, Study const& study) {
  auto const& world = context.world;
  auto const& options = study.tune;
  StopRequest const stop(study.run.wall_limit);
  auto const grid = mpi::Grid::over(world, study.grid.expert);
  auto const opened = open_stage(context, study, "tune", make_tune_job);
  auto const& job = opened.job;
  auto const& folder = opened.folder;
  auto const retained = std::ranges::count_if(job.examples.all, &Example::retain);
  spdlog::info(
      "tune: {} experts of {}, {} replies to learn and {} to keep, {} steps of {} tokens; {} in {}, grid "
      "{}x{}, into {}",
      job.chosen.size(), job.set, job.examples.all.size() - static_cast<std::size_t>(retained), retained,
      options.steps, options.batch_tokens, job.model.plan.family, job.model.dtype, grid.data_width,
      grid.expert_width, folder.stage().path.string());
  if (job.examples.left_out > 0 && world.rank() == 0)
    spdlog::warn("tune: {} prompts of the sets have no reply and are left out", job.examples.left_out);
  if (options.reply == Learned::comply && world.rank() == 0)
    spdlog::warn(
        "tune: tune.reply = comply: the adapter makes the model comply; it is there to be subtracted in "
        "memory "
        "(model.adapter_scale = -1), and `export` refuses what refuses less");
  if (opened.complete()) {
    spdlog::info("tune: nothing to do, the adapter is there");
    return ExitCode::complete;
  }

  Session session(world, grid, job.model, Head::keep);
  mpi::agree(world, [&] { check_set(job, session.weights_hash()); });
  auto origin = stage_provenance(context, study, store::adapter_schema, folder, grid);
  origin.weights_hash = session.weights_hash();
  origin.tokenizer_hash = job.corpus.tokenizer_hash;
  Trainer trainer({world, grid, session.status(), session.model(), session.weights(), job.corpus,
                   job.examples.all, job.chosen, options, study.run.seed});
  TuneFiles const files(world, folder, origin);
  if (auto const last = files.newest()) {
    mpi::agree(world, [&] { trainer.restore(store::AdapterReader::open(*last)); });
    spdlog::info("tune: goes on behind step {} ({})", trainer.steps(), last->filename().string());
  }

  Progress progress("tune", "steps", static_cast<double>(options.steps - trainer.steps()));
  auto const begun = trainer.steps();
  while (trainer.steps() < options.steps) {
    trainer.step();
    progress.advance_to(static_cast<double>(trainer.steps() - begun));
    bool const asked = mpi::maximum(world, stop.requested() ? 1 : 0) > 0;
    bool const due = trainer.steps() % options.save_steps == 0 && trainer.steps() < options.steps;
    if (due || (asked && trainer.steps() < options.steps)) {
      files.save(trainer);
      spdlog::info("tune: step {}: loss {:.5g}, norm of the gradient {:.3g}; saved", trainer.steps(),
                   trainer.history().at("loss").back(), trainer.history().at("grad_norm").back());
    }
    if (asked && trainer.steps() < options.steps) {
      auto const reason = stop.reason();
      spdlog::warn("tune: stopped early behind step {} ({}); repeat the command to go on", trainer.steps(),
                   reason.empty() ? "asked on another rank" : reason);
      return ExitCode::stopped;
    }
  }
  auto const result = trainer.result(/*with_optimiser=*/false);
  if (world.rank() == 0) report(result);
  files.finish(result);
  auto const& loss = trainer.history().at("loss");
  spdlog::info(
      "tuned {} experts in {} steps, {:.3f} s; loss {:.5g} at the first step, {:.5g} at the last; {}",
      job.chosen.size(), options.steps, progress.seconds(), loss.front(), loss.back(),
      folder.path_of("adapter.h5").string());
  return ExitCode::complete;
}

}  // namespace moerae
