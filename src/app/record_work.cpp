#include "app/record_work.hpp"

#include <c10/core/InferenceMode.h>

#include "moerae/model/host_decision.hpp"
#include "moerae/model/torch_error.hpp"

namespace moerae {
namespace {

// Hands the decisions of one batch to the recorder, on the host.
class RecordingTap final : public LayerTap {
 public:
  RecordingTap(Recorder& recorder, Batch const& batch) : recorder_(recorder), rows_(recorder.rows_of(batch)) {
    if (recorder.logits() == Logits::last) last_ = torch::tensor(rows_.last, torch::kInt64);
  }
  void on_decision(LayerId layer, Rows const&, RoutingDecision const& decision) override {
    recorder_.on_decision(rows_, HostDecision(layer, decision, asked(decision.logits)).rows());
  }

  void on_largest(LayerId layer, RoutingDecision const& decision, torch::Tensor const& largest) override {
    auto const experts = decision.experts.to(torch::kCPU).contiguous(),
               values = largest.to(torch::kCPU).contiguous();
    auto const n = static_cast<std::size_t>(experts.numel());
    recorder_.on_largest(layer, {experts.const_data_ptr<std::int64_t>(), n},
                         {values.const_data_ptr<float>(), n});
  }

 private:
  [[nodiscard]] torch::Tensor asked(torch::Tensor const& logits) const {
    if (recorder_.logits() == Logits::none) return {};
    if (recorder_.logits() == Logits::all) return logits;
    return logits.index_select(0, last_.to(logits.device()));
  }

  Recorder& recorder_;
  RecorderRows rows_;
  torch::Tensor last_;  // rows whose logits are asked for
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

}  // namespace

RecordWork::RecordWork(RecordJob const& job, RecordOptions const& options, std::vector<run::Bundle> bundles,
                       int member, ResidentModel const& model, Hooks hooks)
    : job_(job),
      bundles_(std::move(bundles)),
      member_(static_cast<std::size_t>(member)),
      model_(model),
      hooks_(std::move(hooks)),
      recorder_(job.corpus, job.selected, job.space, options) {}

void RecordWork::walk(Rows const& rows, LayerTap* tap) const {
  c10::InferenceMode const inference;
  Pass pass{.rows = rows, .tap = tap, .largest = true};
  with_torch_errors([&] { moerae::record(model_, pass); });
}

void RecordWork::step() {
  auto const& bundle = bundles_[bundle_];
  auto const& part = bundle.parts[member_];
  auto const* shard = part.unit == run::Bundle::nothing ? nullptr : &job_.shards[part.unit];
  if (shard && batch_ < shard->batches.size()) {
    auto const& batch = shard->batches[batch_];
    if (batch_ == 0) recorder_.begin(*shard);
    RecordingTap tap(recorder_, batch);
    walk(pack(job_, batch), &tap);
    if (batch_ + 1 == shard->batches.size() && !part.done) hooks_.publish(*shard, recorder_.record());
  } else {
    walk(Rows::of({}), nullptr);
  }
  hooks_.after_step();
  if (++batch_ == bundle.steps) {
    ++bundle_;
    batch_ = 0;
  }
}

}  // namespace moerae
