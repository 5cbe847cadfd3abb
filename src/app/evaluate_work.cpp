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

// A prompt under one condition after the other, so that a batch holds what differs least; only those whose
// reply the condition can change.
void EvaluateWork::begin() {
  auto const unit = bundles_[bundle_].parts[member_].unit;
  if (unit == run::Bundle::nothing) return;  // the generator has nothing left, and takes part with zero rows
  auto const& part = job_.parts[unit];
  auto const& [conditions, edits] = job_.blocks[part.block];
  auto const& shard = job_.shards[part.shard];
  auto const prompts = shard.last - shard.first;
  base_ = part.block == 0 ? std::nullopt : hooks_.base_of(part.shard);
  asked_.clear();
  replies_.assign(conditions.size() * prompts, nullptr);
  std::vector<ReplyRequest> requests;
  for (std::size_t c = 0; c < conditions.size(); ++c) {
    auto const keeps = base_ ? untouched(*base_, conditions[c], job_.rules.phase, job_.model.plan)
                             : std::vector<bool>(prompts, false);
    for (std::size_t i = 0; i < prompts; ++i) {
      auto const at = c * prompts + i;
      if (keeps[i]) {
        replies_[at] = &base_->replies[i];
        continue;
      }
      auto const p = job_.selected[shard.first + i];
      auto const prompt = job_.corpus.tokens_of(p).first(
          static_cast<std::size_t>(job_.corpus.response_offset[p] - job_.corpus.offset[p]));
      requests.push_back({prompt, job_.corpus.prompt_id[p], static_cast<std::int64_t>(c) + 1});
      asked_.push_back(at);
    }
  }
  generator_.begin(std::move(requests), edits);
  if (generator_.finished()) publish();  // all of them are kept
}

void EvaluateWork::publish() {
  auto const& part = bundles_[bundle_].parts[member_];
  if (part.done) return;
  for (std::size_t i = 0; i < asked_.size(); ++i) replies_[asked_[i]] = &generator_.replies()[i];
  hooks_.publish(part.unit, replies_, base_ ? &*base_ : nullptr);
}

void EvaluateWork::go_on() {
  ++bundle_;
  begin();
}

void EvaluateWork::step() {
  bool const open = !generator_.finished();
  generator_.step();
  if (open && generator_.finished()) publish();
  hooks_.after_step();
}

}  // namespace moerae
