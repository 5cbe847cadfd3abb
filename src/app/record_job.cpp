#include "app/record_job.hpp"

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

ExpertSpace space_of(ModelPlan const& plan) {
  ExpertSpace space;
  for (auto const layer : plan.moe_layers()) space.layers.push_back(layer.value);
  space.experts = static_cast<std::int32_t>(plan.router().experts);
  space.top_k = static_cast<std::int32_t>(plan.router().top_k);
  return space;
}

}  // namespace

// bfloat16 checkpoints are computed as they are; float16 has no fast path on CPUs and is widened
std::string resolve_dtype(std::string const& asked, std::string const& stored) {
  if (asked != "auto") return asked;
  return stored == "bfloat16" ? "bfloat16" : "float32";
}

torch::Dtype RecordJob::torch_dtype() const {
  return dtype == "bfloat16" ? torch::kBFloat16 : torch::kFloat32;
}

std::int64_t RecordJob::tokens() const {
  std::int64_t total = 0;
  for (auto const prompt : selected) total += corpus.length(prompt);
  return total;
}

RecordJob make_record_job(Study const& study) {
  auto corpus = read_corpus(study.corpus.path);
  validate<DataError>(corpus.has_tokens,
                      "{}: tokens: missing; an imported trace has no tokens and can only be reduced",
                      study.corpus.path.string());
  auto plan = read_plan(study.model.path);
  auto checkpoint = Checkpoint::open(study.model.path);
  checkpoint.check_against(plan);
  check_vocabulary(corpus, plan.vocabulary);
  validate<ConfigError>(
      study.grid.expert <= plan.router().experts,
      "grid.expert = {}: a layer of this model has {} experts, so some ranks would own none; use at most {}",
      study.grid.expert, plan.router().experts, plan.router().experts);
  RecordJob job{std::move(corpus), {}, {}, std::move(plan), std::move(checkpoint), {}, {}, {}, {}};
  job.selected = select_prompts(job.corpus, study.corpus.sets);
  job.shards = plan_shards(job.corpus, job.selected, study.record.shard_prompts, study.record.batch_tokens);
  job.space = space_of(job.plan);
  job.dtype = resolve_dtype(study.model.dtype, job.plan.dtype);
  job.precision = study.record.precision != "auto" ? study.record.precision
                                                   : (job.dtype == "float32" ? "float32" : "float16");
  job.inputs = {{"model", job.checkpoint.fingerprint()},
                {"corpus", job.corpus.content_hash},
                {"corpus.sets", study.corpus.sets},
                {"model.dtype", job.dtype},
                {"grid.expert", study.grid.expert},
                {"grid.exchange", study.grid.exchange},
                {"record.routing", study.record.routing},
                {"record.logits", study.record.logits},
                {"record.precision", job.precision},
                {"record.batch_tokens", study.record.batch_tokens},
                {"record.shard_prompts", study.record.shard_prompts}};
  return job;
}

}  // namespace moerae
