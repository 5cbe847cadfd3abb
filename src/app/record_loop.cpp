#include "app/record_loop.hpp"

#include <exception>

#include "app/torch_error.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

class NoTap final : public RoutingTap {
  [[nodiscard]] bool wants_logits() const override { return false; }
  void on_routing(RoutingRows const&) override {}
};

PackedBatch pack(RecordJob const& job, Batch const& batch) {
  std::vector<std::span<std::uint32_t const>> rows;
  for (auto entry = batch.first; entry < batch.last; ++entry) {
    auto const prompt = job.selected[entry];
    rows.emplace_back(job.corpus.tokens.data() + job.corpus.offset[prompt],
                      static_cast<std::size_t>(job.corpus.length(prompt)));
  }
  return PackedBatch::of(rows);
}

// This rank's walk through its bundles, one batch a step.
class Walk {
 public:
  Walk(mpi::Grid const& grid, RecordJob const& job, RecordOptions const& options,
       std::vector<Bundle> const& bundles, Decoder const& decoder, ExpertExchange& exchange,
       RecordHooks const& hooks)
      : grid_(grid),
        job_(job),
        bundles_(bundles),
        decoder_(decoder),
        exchange_(exchange),
        hooks_(hooks),
        recorder_(job.corpus, job.selected, job.space, options) {}

  [[nodiscard]] bool finished() const { return bundle_ == bundles_.size(); }

  // One batch of the group; its worst status.
  mpi::Status step() {
    auto const& bundle = bundles_[bundle_];
    auto const& part = bundle.parts[static_cast<std::size_t>(grid_.member)];
    auto const mine = hooks_.stop_requested() ? mpi::Status::stop : mpi::Status::ok;
    if (part.shard && step_ < part.shard->batches.size()) {
      auto const& batch = part.shard->batches[step_];
      if (step_ == 0) recorder_.begin(*part.shard);
      recorder_.begin(batch);
      decoder_.record(pack(job_, batch), recorder_);
      if (step_ + 1 == part.shard->batches.size() && !part.done)
        hooks_.publish(*part.shard, recorder_.record());
    } else {
      NoTap none;
      decoder_.record(PackedBatch::of({}), none);
    }
    hooks_.after_batch();
    auto const worst = exchange_.finish_batch(mine);
    if (++step_ == bundle.steps) {
      ++bundle_;
      step_ = 0;
    }
    return worst;
  }

 private:
  mpi::Grid const& grid_;
  RecordJob const& job_;
  std::vector<Bundle> const& bundles_;
  Decoder const& decoder_;
  ExpertExchange& exchange_;
  RecordHooks const& hooks_;
  Recorder recorder_;
  std::size_t bundle_ = 0, step_ = 0;
};

}  // namespace

mpi::Status record_bundles(mpi::Comm const& world, mpi::Grid const& grid, RecordJob const& job,
                           RecordOptions const& options, std::vector<Bundle> const& bundles,
                           Decoder const& decoder, ExpertExchange& exchange, RecordHooks const& hooks) {
  c10::InferenceMode const inference;
  Walk walk(grid, job, options, bundles, decoder, exchange, hooks);
  auto const steps = mpi::maximum(world, static_cast<std::uint64_t>(count_steps(bundles)));
  mpi::Lockstep lockstep(world);
  mpi::Status halted = mpi::Status::ok;  // of this group: it does nothing more until all groups know
  mpi::Status outcome = mpi::Status::ok;
  std::exception_ptr error;
  for (std::uint64_t i = 0; i < steps && outcome == mpi::Status::ok; ++i) {
    if (halted == mpi::Status::ok && !walk.finished()) {
      try {
        halted = walk.step();
      } catch (mpi::PeerFailure const&) {
        error = std::current_exception();
      } catch (c10::Error const& torch) {
        error = std::make_exception_ptr(error_of(torch));
        if (!exchange.announce_failure()) std::rethrow_exception(error);
      } catch (...) {
        error = std::current_exception();
        if (!exchange.announce_failure()) throw;
      }
    } else if (!error) {  // nobody of the group is waiting for this rank any more
      try {
        hooks.after_batch();
      } catch (...) {
        error = std::current_exception();
      }
    }
    if (error) halted = mpi::Status::error;
    outcome = lockstep.step(halted);
  }
  if (outcome == mpi::Status::ok) outcome = lockstep.finish();
  mpi::agree(world, error);
  return outcome;
}

}  // namespace moerae
