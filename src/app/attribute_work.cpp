#include "app/attribute_work.hpp"

namespace moerae {

AttributeWork::AttributeWork(AttributeJob const& job, AttributeOptions const& options,
                             std::vector<run::Bundle> bundles, int member, ResidentModel const& model,
                             Hooks hooks)
    : job_(job),
      options_(options),
      bundles_(std::move(bundles)),
      member_(static_cast<std::size_t>(member)),
      hooks_(std::move(hooks)) {
  for (auto const which : options.criteria)
    criteria_.push_back(make_criterion(which, {job.corpus, model, job.space, options, job.spared}));
  if (!bundles_.empty()) begin();
}

void AttributeWork::begin() {
  auto const unit = bundles_[bundle_].parts[member_].unit;
  std::span<std::size_t const> prompts;
  if (unit != run::Bundle::nothing)
    prompts = std::span(job_.selected)
                  .subspan(job_.shards[unit].first, job_.shards[unit].last - job_.shards[unit].first);
  if (at_ == 0) {
    found_ = {job_.space.layers, job_.space.experts, {}, {}, {}};
    for (auto const p : prompts) found_.prompt_id.push_back(job_.corpus.prompt_id[p]);
  }
  criterion().begin(prompts);
}

void AttributeWork::go_on() {
  if (++at_ == criteria_.size()) {
    at_ = 0;
    ++bundle_;
  }
  begin();
}

void AttributeWork::take_found() {
  auto const& found = criterion().found();
  if (at_ == 0) found_.margin = found.margin;
  found_.drop[word_of(causal_words, options_.criteria[at_])] = found.drop;
  auto const& part = bundles_[bundle_].parts[member_];
  if (at_ + 1 == criteria_.size() && !part.done) hooks_.publish(part.unit, found_);
}

void AttributeWork::step() {
  bool const open = !criterion().finished();
  criterion().step();
  if (open && criterion().finished()) take_found();
  hooks_.after_step();
}

}  // namespace moerae
