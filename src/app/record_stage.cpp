#include <ATen/Parallel.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "app/context.hpp"
#include "app/record_loop.hpp"
#include "app/run_folder.hpp"
#include "app/torch_error.hpp"
#include "moerae/base/log.hpp"
#include "moerae/base/progress.hpp"
#include "moerae/base/stop.hpp"
#include "moerae/model/load_weights.hpp"
#include "moerae/model/weights_hash.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/mpi/mailbox.hpp"
#include "moerae/record/shard_writer.hpp"
#include "moerae/store/manifest.hpp"

namespace moerae {
namespace {

// Ranks of a host share its cores unless OMP_NUM_THREADS says otherwise.
void set_threads(mpi::Comm const& world) {
  // MKL otherwise sums products of 5 to 11 rows in an order that depends on the number of threads, and so on
  // the data width; read by MKL at its first use
  ::setenv("MKL_CBWR", "AUTO,STRICT", /*overwrite=*/0);
  auto const here = world.on_this_host().size();
  if (!std::getenv("OMP_NUM_THREADS"))
    at::set_num_threads(std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / here));
}

// Everything found or made before the first weight is read; rank 0 writes, all agree.
std::set<std::int32_t> prepare(Context const& context, Study const& study, RecordJob const& job,
                               store::StageDir& stage) {
  mpi::agree(context.world, [&] { check_same_study(study.run.dir, stage); });
  mpi::agree(context.world, [&] {
    if (context.world.rank() == 0) prepare_run(study, job.corpus, stage);
  });
  std::set<std::int32_t> done;
  mpi::agree(context.world, [&] {
    add_log_file(study.run.dir / "log", context.world.rank());
    done = finished_shards(study.run.dir, stage, job.shards.size());
  });
  return done;
}

// Rank 0's view of what all ranks have published: the manifest and the progress.
class Ledger {
 public:
  Ledger(Context const& context, std::filesystem::path run, std::int64_t open_tokens)
      : mailbox_(context.world),
        run_(std::move(run)),
        progress_("record", "tokens", static_cast<double>(open_tokens)) {
    if (context.world.rank() == 0) manifest_ = store::Manifest::read(run_);
  }

  // Called by the rank that has published a shard.
  void post(std::filesystem::path const& path, std::int64_t tokens) {
    auto const entry = store::make_entry(run_, path, "record");
    mailbox_.post(nlohmann::json{
        {"path", entry.path},
        {"file_hash", entry.file_hash},
        {"content_hash", *entry.content_hash},
        {"bytes", entry.bytes},
        {"tokens",
         tokens}}.dump());
  }
  void collect() { enter(mailbox_.collect()); }
  void finish() { enter(mailbox_.finish()); }
  [[nodiscard]] double seconds() const { return progress_.seconds(); }

 private:
  void enter(std::vector<std::string> const& messages) {
    std::vector<store::Entry> entries;
    for (auto const& message : messages) {
      auto const json = nlohmann::json::parse(message);
      entries.push_back({json["path"], "record", json["file_hash"], json["content_hash"].get<std::string>(),
                         json["bytes"]});
      tokens_ += json["tokens"].get<std::int64_t>();
    }
    if (entries.empty()) return;
    manifest_->append(entries);
    progress_.advance_to(static_cast<double>(tokens_));
  }

  mpi::Mailbox mailbox_;
  std::filesystem::path run_;
  std::optional<store::Manifest> manifest_;
  Progress progress_;
  std::int64_t tokens_ = 0;
};

}  // namespace

ExitCode run_record(Context const& context, Study const& study) {
  auto const& world = context.world;
  StopRequest const stop(study.run.wall_limit);
  auto const grid = mpi::Grid::over(world, study.grid.expert);
  std::optional<RecordJob> made;
  store::StageDir stage;
  mpi::agree(world, [&] {
    made = make_record_job(study);
    stage = store::find_stage(study.run.dir, "record", made->inputs);
  });
  auto const& job = *made;
  auto const done = prepare(context, study, job, stage);

  std::int64_t open_prompts = 0, open_tokens = 0;
  for (auto const& shard : job.shards) {
    if (done.contains(shard.id.value)) continue;
    open_prompts += static_cast<std::int64_t>(shard.last - shard.first);
    open_tokens += shard.tokens();
  }
  spdlog::info("record: {} prompts, {} tokens in {} shards, {} of them done; {} in {}, grid {}x{}, into {}",
               job.selected.size(), job.tokens(), job.shards.size(), done.size(), job.plan.family, job.dtype,
               grid.data_width, grid.expert_width, stage.path.string());
  if (done.size() == job.shards.size()) {
    spdlog::info("record: nothing to do, all shards are there");
    return ExitCode::complete;
  }

  set_threads(world);
  std::optional<LoadedWeights> loaded;
  mpi::agree(world, [&] {
    try {
      loaded = load_weights(job.plan, job.checkpoint, job.torch_dtype(), grid.member, grid.expert_width);
    } catch (c10::Error const& torch) {
      throw error_of(torch);
    }
  });
  auto const weights_hash = combine_hashes(grid.experts, loaded->hashes);
  mpi::agree(world, [&] {
    if (world.rank() == 0) check_same_weights(stage, done, weights_hash);
  });
  spdlog::info("record: weights {} loaded, {} MB read by rank 0, {} thread(s) a rank", weights_hash,
               loaded->bytes_read >> 20, at::get_num_threads());

  mpi::GroupStatus status(grid.experts);
  mpi::MpiTransport transport(grid.experts);
  ExpertExchange exchange(status, transport, {job.space.experts, grid.expert_width});
  ResidentModel const model{job.plan, loaded->weights, exchange};
  Ledger ledger(context, study.run.dir, open_tokens);
  auto origin = context.provenance(routing_schema, study);
  origin.model_id = study.model.path.filename().string();
  origin.weights_hash = weights_hash;
  origin.tokenizer_hash = job.corpus.tokenizer_hash;
  origin.stage_hash = stage.hash;
  origin.shards = static_cast<std::int64_t>(job.shards.size());
  origin.grid = fmt::format("{}x{}", grid.data_width, grid.expert_width);
  origin.prompt_equivalent = study.record.routing || study.record.logits;
  RecordHooks hooks;
  hooks.stop_requested = [&] { return stop.requested(); };
  hooks.publish = [&](Shard const& shard, ShardRecord const& record) {
    auto mine = origin;
    mine.created_utc = store::utc_now();
    mine.shard = shard.id.value;
    auto const path = stage.path / shard_file_name(shard.id.value);
    write_shard(path, record, job.precision, mine);
    ledger.post(path, shard.tokens());
  };
  hooks.after_batch = [&] { ledger.collect(); };

  auto const bundles =
      share_of(open_bundles(job.shards, done, grid.expert_width), grid.group, grid.data_width);
  auto const outcome = record_bundles(world, grid, job, study.record, bundles, model, status, hooks);
  auto const seconds = ledger.seconds();
  mpi::agree(world, [&] { ledger.finish(); });
  bool complete = false;  // a stop at the very last batch comes too late to matter
  mpi::agree(world, [&] {
    complete = finished_shards(study.run.dir, stage, job.shards.size()).size() == job.shards.size();
  });
  ensure(complete || outcome == mpi::Status::stop, "the loop came to its end and left shards open");
  if (!complete) {
    auto const reason = stop.reason();
    spdlog::warn("record: stopped early ({}); finished shards are kept: repeat the command to go on",
                 reason.empty() ? "asked on another rank" : reason);
    return ExitCode::stopped;
  }
  spdlog::info("recorded {} prompts, {} tokens in {:.3f} s ({:.1f} tokens/s)", open_prompts, open_tokens,
               seconds, static_cast<double>(open_tokens) / seconds);
  return ExitCode::complete;
}

}  // namespace moerae
