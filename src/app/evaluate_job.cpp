#include "app/evaluate_job.hpp"

#include <algorithm>

#include "app/find_set.hpp"
#include "app/options/inputs.hpp"
#include "moerae/base/check.hpp"
#include "moerae/evaluate/edits.hpp"
#include "moerae/evaluate/method.hpp"
#include "moerae/model/cache.hpp"
#include "moerae/model/stop_ids.hpp"
#include "moerae/record/shard_writer.hpp"

namespace moerae {
namespace {

constexpr std::size_t conditions_of_a_block = 8;

// Prompts of the sets in the split that have something before their reply.
std::vector<std::size_t> prompts_of(Corpus const& corpus, EvaluateOptions const& options) {
  std::vector<std::size_t> out;
  for (auto const p : select_prompts(corpus, options.sets, "evaluate.sets"))
    if (corpus.split[p] == options.split) {
      validate<DataError>(corpus.response_offset[p] > corpus.offset[p],
                          "{}: prompt id {} begins with its reply; there is nothing to answer",
                          corpus.path.string(), corpus.prompt_id[p]);
      out.push_back(p);
    }
  validate<ConfigError>(
      !out.empty(),
      "{}: the sets to be evaluated have no prompt in the split {}; give them more clusters, "
      "or another evaluate.split",
      corpus.path.string(), split_names[static_cast<std::size_t>(options.split)]);
  return out;
}

void add_blocks(EvaluateJob& job, Study const& study) {
  std::vector<std::vector<Condition>> groups{{Condition{}}};
  for (auto const& spec : study.evaluate.conditions) {
    if (spec.action == Action::none) continue;
    auto const set = find_set(study, spec.set, spec.text());
    if (auto const& made = set.provenance; made.contains("weights_hash"))
      job.made_on.emplace_back(spec.text(), made.at("weights_hash").get<std::string>());
    auto const all = with_controls(spec, set, study.evaluate.controls);
    for (std::size_t i = 0; i < all.size(); i += conditions_of_a_block)
      groups.emplace_back(
          all.begin() + static_cast<std::ptrdiff_t>(i),
          all.begin() + static_cast<std::ptrdiff_t>(std::min(i + conditions_of_a_block, all.size())));
  }
  for (auto& conditions : groups) {
    auto edits = edits_of(conditions, job.model.plan);
    job.blocks.push_back({std::move(conditions), std::move(edits)});
  }
}

void add_units(EvaluateJob& job) {
  for (std::size_t b = 0; b < job.blocks.size(); ++b)
    for (std::size_t s = 0; s < job.shards.size(); ++s) {
      run::Unit unit;
      for (auto const& condition : job.blocks[b].conditions)
        unit.files.push_back(condition.slug() + "/" + shard_file_name(job.shards[s].id.value));
      unit.amount = static_cast<std::int64_t>(unit.files.size() * (job.shards[s].last - job.shards[s].first));
      job.parts.push_back({b, s});
      job.units.push_back(std::move(unit));
    }
}

void check_positions(EvaluateJob const& job) {
  auto const reached = job.longest + job.rules.max_new_tokens;
  validate<ConfigError>(
      job.model.plan.positions == 0 || reached <= job.model.plan.positions,
      "evaluate.max_new_tokens = {}: the longest prompt has {} tokens, and the model was made "
      "for {} positions; give at most {}",
      job.rules.max_new_tokens, job.longest, job.model.plan.positions,
      job.model.plan.positions - job.longest);
}

}  // namespace

std::vector<std::int64_t> EvaluateJob::slots() const {
  return std::vector(static_cast<std::size_t>(rules.slots), longest + rules.max_new_tokens);
}

std::int64_t EvaluateJob::cache_bytes() const {
  return moerae::cache_bytes(model.plan, slots(), model.dtype == "bfloat16" ? 2 : 4);
}

EvaluateJob lay_out_replies(Study const& study) {
  auto const& options = study.evaluate;
  EvaluateJob job;
  static_cast<ModelInputs&>(job) = open_inputs(study);
  job.selected = prompts_of(job.corpus, options);
  job.shards = plan_shards(job.corpus, job.selected, options.shard_prompts, options.batch_tokens);
  for (auto const p : job.selected)
    job.longest = std::max(job.longest, job.corpus.response_offset[p] - job.corpus.offset[p]);
  job.rules = {stop_ids(study.model.path),
               options.max_new_tokens,
               {options.temperature, options.top_p, study.run.seed},
               options.phase,
               options.batch_tokens,
               static_cast<int>(options.sequences)};
  check_positions(job);
  return job;
}

EvaluateJob make_evaluate_job(Study const& study) {
  auto job = lay_out_replies(study);
  add_blocks(job, study);
  add_units(job);
  job.inputs = inputs_of(stage::evaluate, study, evaluate_method, job.resolved());
  return job;
}

}  // namespace moerae
