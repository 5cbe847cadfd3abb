#include "app/evaluate_work.hpp"

namespace moerae {
EvaluateWork::EvaluateWork(EvaluateJob const& job, std::vector<run::Bundle> bundles, int member,
                           ResidentModel const& model, Hooks hooks)
    : job_(job),
      bundles_(std::move(bundles)),
      member_(static_cast<std::size_t>(member)),
      hooks_(std::move(hooks)),
      cache_(job.model.plan, job.slots(), torch_dtype(job.model)),
      generator_(model, cache_, job.space, job.rules) {
  if (!bundles_.empty()) begin();
}

// A prompt under one condition after the other, so that a batch holds what differs least.
void EvaluateWork::begin() {
  auto const unit = bundles_[bundle_].parts[member_].unit;
  if (unit == run::Bundle::nothing) return;  // the generator has nothing left, and takes part with zero rows
  auto const& part = job_.parts[unit];
  auto const& shard = job_.shards[part.shard];
  std::vector<ReplyRequest> requests;
  for (std::size_t c = 0; c < job_.blocks[part.block].conditions.size(); ++c)
    for (auto entry = shard.first; entry < shard.last; ++entry) {
      auto const p = job_.selected[entry];
      auto const prompt = job_.corpus.tokens_of(p).first(
          static_cast<std::size_t>(job_.corpus.response_offset[p] - job_.corpus.offset[p]));
      requests.push_back({prompt, job_.corpus.prompt_id[p], static_cast<std::int64_t>(c) + 1});
    }
  generator_.begin(std::move(requests), job_.blocks[part.block].edits);
}

void EvaluateWork::go_on() {
  ++bundle_;
  begin();
}

void EvaluateWork::step() {
  bool const open = !generator_.finished();
  generator_.step();
  auto const& part = bundles_[bundle_].parts[member_];
  if (open && generator_.finished() && !part.done) hooks_.publish(part.unit, generator_.replies());
  hooks_.after_step();
}

}  // namespace moerae
