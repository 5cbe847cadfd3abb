#include "app/attribute_job.hpp"

#include <algorithm>

#include "app/find_stage.hpp"
#include "app/options/inputs.hpp"
#include "moerae/attribute/openings.hpp"
#include "moerae/base/check.hpp"
#include "moerae/record/shard_record.hpp"
#include "moerae/record/shard_writer.hpp"
#include "moerae/reduce/usage/super_experts.hpp"

namespace moerae {
namespace {

bool has_margin(Corpus const& corpus, std::size_t p) {
  return corpus.response_offset[p] > corpus.offset[p] && openings_of(corpus, p).complete();
}

void select(AttributeJob& job, AttributeOptions const& options) {
  auto const& corpus = job.corpus;
  for (auto const p : select_prompts(corpus, options.sets, "attribute.sets")) {
    if (corpus.split[p] != options.split) continue;
    if (has_margin(corpus, p))
      job.selected.push_back(p);
    else
      ++job.left_out;
  }
  validate<ConfigError>(
      !job.selected.empty(),
      "{}: of the prompts of these sets in the split {} none has both a refusing and a complying opening, so "
      "there is no margin to attribute; make the corpus with --openings or --opening",
      corpus.path.string(), split_names[static_cast<std::size_t>(options.split)]);
}

// One expert less must leave every token enough to choose from.
void check_masks(ModelPlan const& plan) {
  for (auto const layer : plan.moe_layers()) {
    auto const& router = plan.layers[static_cast<std::size_t>(layer.value)].moe()->router;
    RouterEdit edit;
    edit.masked = torch::eye(router.experts, torch::kBool);
    auto const faults = faults_of(edit, router);
    validate<ConfigError>(faults.empty(), "layer {}: no expert can be masked by itself: {}", layer.value,
                          faults.empty() ? "" : faults.front().text);
  }
}

bool leaves_out_super_experts(AttributeOptions const& options) {
  return !options.super_experts &&
         std::ranges::find(options.criteria, Causal::random_mask) != options.criteria.end();
}

std::vector<std::size_t> super_experts_of(Study const& study, ExpertSpace const& space) {
  auto const& run = study.run.from.empty() ? study.run.dir : study.run.from;
  auto const record = stage_of(run, "record", stage::record, study, record_method);
  validate<ConfigError>(
      !record.empty(),
      "{}: random_mask leaves super experts out of its masks, and which ones these are is known "
      "from a record: run `moerae record` first, or mask them, too, by attribute.super_experts "
      "= true",
      run.string());
  return recorded_super_experts(run, record, space);
}

}  // namespace

bool has_margins(Corpus const& corpus, AttributeOptions const& options) {
  for (std::size_t p = 0; p < corpus.size(); ++p)
    if (corpus.split[p] == options.split && has_margin(corpus, p)) return true;
  return false;
}

AttributeJob lay_out_margins(Study const& study) {
  auto const& options = study.attribute;
  AttributeJob job{open_inputs(study), {}, 0, {}, {}, {}, {}};
  select(job, options);
  check_masks(job.model.plan);
  job.shards = plan_shards(job.corpus, job.selected, options.shard_prompts, options.batch_tokens);
  for (auto const& shard : job.shards)
    job.units.push_back(
        {{shard_file_name(shard.id.value)}, 0, static_cast<std::int64_t>(shard.last - shard.first)});
  return job;
}

AttributeJob make_attribute_job(Study const& study) {
  auto job = lay_out_margins(study);
  job.inputs = inputs_of(stage::attribute, study, attribute_method, job.resolved());
  if (leaves_out_super_experts(study.attribute)) {
    job.spared = super_experts_of(study, job.space);
    job.inputs["spared"] = job.spared;
  }
  return job;
}

}  // namespace moerae
