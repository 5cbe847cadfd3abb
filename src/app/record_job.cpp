#include "app/record_job.hpp"

#include "app/options/inputs.hpp"
#include "moerae/base/check.hpp"
#include "moerae/record/shard_writer.hpp"
#include "moerae/reduce/plan/check_options.hpp"

namespace moerae {

std::int64_t RecordJob::tokens() const {
  return open({}).tokens;
}

RecordJob::Amount RecordJob::open(run::UnitSet const& done) const {
  Amount left;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (done.contains(i)) continue;
    left.prompts += static_cast<std::int64_t>(shards[i].last - shards[i].first);
    left.tokens += units[i].amount;
  }
  return left;
}

ExpertSpace space_of(ModelPlan const& plan) {
  ExpertSpace space;
  for (auto const layer : plan.moe_layers()) space.layers.push_back(layer.value);
  space.experts = static_cast<std::int32_t>(plan.router().experts);
  space.top_k = static_cast<std::int32_t>(plan.router().top_k);
  return space;
}

std::string precision_of(Study const& study, ModelSource const& model) {
  if (study.record.precision != "auto") return study.record.precision;
  return model.dtype == "float32" ? "float32" : "float16";
}

CheckedInputs open_inputs(Study const& study) {
  auto corpus = read_corpus(study.corpus.path);
  validate<DataError>(corpus.has_tokens,
                      "{}: tokens: missing; an imported trace has no tokens and can only be reduced",
                      study.corpus.path.string());
  auto model = open_model(study.model.path, study.model.dtype);
  check_vocabulary(corpus, model.plan.vocabulary);
  validate<ConfigError>(
      study.grid.expert <= model.plan.router().experts,
      "grid.expert = {}: a layer of this model has {} experts, so some ranks would own none; use at most {}",
      study.grid.expert, model.plan.router().experts, model.plan.router().experts);
  return {std::move(corpus), std::move(model)};
}

RecordJob make_record_job(Study const& study) {
  auto [corpus, model] = open_inputs(study);
  RecordJob job{std::move(corpus), {}, {}, {}, std::move(model), {}, {}, {}};
  job.selected = select_prompts(job.corpus, study.corpus.sets, "corpus.sets");
  if (study.run.from.empty())  // what is reduced is this recording: it must be worth it
    check_against_corpus(study.for_reduce(), job.corpus, study.corpus.sets, study.record.routing);
  job.shards = plan_shards(job.corpus, job.selected, study.record.shard_prompts, study.record.batch_tokens);
  for (auto const& shard : job.shards)
    job.units.push_back({{shard_file_name(shard.id.value)}, shard.batches.size(), shard.tokens()});
  job.space = space_of(job.model.plan);
  job.precision = precision_of(study, job.model);
  job.inputs = inputs_of(stage::record, study, record_method,
                         {{"model", job.model.checkpoint.fingerprint()},
                          {"corpus", job.corpus.content_hash},
                          {"model.dtype", job.model.dtype},
                          {"record.precision", job.precision}});
  return job;
}

}  // namespace moerae
