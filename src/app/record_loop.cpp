#include "app/record_loop.hpp"

#include <exception>

#include "app/torch_error.hpp"
#include "moerae/model/host_decision.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

// Hands the decisions of one batch to the recorder, on the host.
class RecordingTap final : public LayerTap {
 public:
  RecordingTap(Recorder& recorder, Batch const& batch)
      : recorder_(recorder), rows_(recorder.rows_of(batch)) {}
  void on_decision(LayerId layer, Rows const&, RoutingDecision const& decision) override {
    recorder_.on_decision(rows_, HostDecision(layer, decision, recorder_.wants_logits()).rows());
  }

 private:
  Recorder& recorder_;
  RecorderRows rows_;
};

Rows pack(RecordJob const& job, Batch const& batch) {
  std::vector<Rows::Part> parts;
  for (auto entry = batch.first; entry < batch.last; ++entry) {
    auto const prompt = job.selected[entry];
    parts.push_back({{job.corpus.tokens.data() + job.corpus.offset[prompt],
                      static_cast<std::size_t>(job.corpus.length(prompt))}});
  }
  return Rows::of(parts);
}

// This rank's walk through its bundles, one batch a step.
class Walk {
 public:
  Walk(mpi::Grid const& grid, RecordJob const& job, RecordOptions const& options,
       std::vector<Bundle> const& bundles, ResidentModel const& model, mpi::GroupStatus& status,
       RecordHooks const& hooks)
      : grid_(grid),
        job_(job),
        bundles_(bundles),
        model_(model),
        status_(status),
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
      RecordingTap tap(recorder_, batch);
      walk(pack(job_, batch), &tap);
      if (step_ + 1 == part.shard->batches.size() && !part.done)
        hooks_.publish(*part.shard, recorder_.record());
    } else {
      walk(Rows::of({}), nullptr);
    }
    hooks_.after_batch();
    auto const worst = status_.finish_step(mine);
    if (++step_ == bundle.steps) {
      ++bundle_;
      step_ = 0;
    }
    return worst;
  }

 private:
  void walk(Rows const& rows, LayerTap* tap) const {
    Pass pass{rows, tap};
    moerae::record(model_, pass);
  }

  mpi::Grid const& grid_;
  RecordJob const& job_;
  std::vector<Bundle> const& bundles_;
  ResidentModel const& model_;
  mpi::GroupStatus& status_;
  RecordHooks const& hooks_;
  Recorder recorder_;
  std::size_t bundle_ = 0, step_ = 0;
};

}  // namespace

mpi::Status record_bundles(mpi::Comm const& world, mpi::Grid const& grid, RecordJob const& job,
                           RecordOptions const& options, std::vector<Bundle> const& bundles,
                           ResidentModel const& model, mpi::GroupStatus& status, RecordHooks const& hooks) {
  c10::InferenceMode const inference;
  Walk walk(grid, job, options, bundles, model, status, hooks);
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
        if (!status.announce_failure()) std::rethrow_exception(error);
      } catch (...) {
        error = std::current_exception();
        if (!status.announce_failure()) throw;
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
