#include "app/sweep/layout.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "app/attribute_job.hpp"
#include "app/evaluate_job.hpp"
#include "app/options/nearest.hpp"
#include "app/record_job.hpp"
#include "moerae/attribute/openings.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/load_weights.hpp"
#include "moerae/record/shard_bytes.hpp"
#include "moerae/reduce/names.hpp"
#include "moerae/reduce/plan/check_options.hpp"
#include "moerae/tune/examples.hpp"

namespace moerae {
namespace {

constexpr std::int64_t program_bytes = std::int64_t{1}
                                       << 30;   // libraries, buffers of MPI, what is read ahead
constexpr std::int64_t widths_of_a_token = 32;  // of `hidden`, alive at once in a layer

double both(std::int64_t a, std::int64_t b) {
  return static_cast<double>(a) * static_cast<double>(b);
}

// A multiplication and an addition for every parameter that a token passes through.
double flops_of_token(ModelPlan const& plan, bool with_head) {
  auto const count = count_parameters(plan);
  return 2 * (static_cast<double>(count.active - count.embeddings) +
              (with_head ? both(plan.vocabulary, plan.hidden) : 0));
}

// The program, the weights of a rank, and what is alive of `tokens` in a layer.
std::int64_t memory_of_pass(Study const& study, ModelInputs const& in, std::int64_t tokens) {
  auto const element = in.model.dtype == "bfloat16" ? 2 : 4;
  return program_bytes + resident_bytes(in.model.plan, element, study.grid.expert) +
         tokens * in.model.plan.hidden * widths_of_a_token * element;
}

double passes_of(Causal which, AttributeOptions const& options, ExpertSpace const& space) {
  if (which == Causal::mask_attribution) return 3;  // up, and down at twice the work
  return static_cast<double>(which == Causal::single_mask ? static_cast<std::int64_t>(space.size())
                                                          : options.passes) +
         1;
}

StageCost cost_of_record(Study const& study, RecordJob const& job) {
  return {memory_of_pass(study, job, study.record.batch_tokens) +
              largest_shard_in_memory(job.space, job.shards, study.record),
          flops_of_token(job.model.plan, false) * static_cast<double>(job.tokens())};
}

StageCost cost_of_attribution(Study const& study, AttributeJob const& job) {
  std::int64_t tokens = 0;
  for (auto const p : job.selected) tokens += margin_tokens(job.corpus, p);
  double passes = 0;
  for (auto const which : study.attribute.criteria) passes += passes_of(which, study.attribute, job.space);
  return {2 * memory_of_pass(study, job, study.attribute.batch_tokens),
          passes * flops_of_token(job.model.plan, true) * static_cast<double>(tokens)};
}

// Resamples and relabellings are products of clusters and experts.
StageCost cost_of_reduction(Study const& study, RecordJob const& job) {
  auto clusters = job.corpus.cluster;
  std::ranges::sort(clusters);
  auto const n = std::ranges::unique(clusters).begin() - clusters.begin();
  auto const draws = study.contrast.permutations * static_cast<std::int64_t>(contrast_criteria().size()) +
                     2 * study.ses.samples;
  return {program_bytes + 2 * study.reduce.memory * (std::int64_t{1} << 20),
          2 * both(draws, n) * static_cast<double>(job.space.size())};
}

StageCost cost_of_training(Study const& study, ModelInputs const& in) {
  auto const& options = study.tune;
  (void)find_examples(in.corpus, options);
  return {2 * memory_of_pass(study, in, options.pass_tokens),  // forward again, and back at twice the work
          4 * flops_of_token(in.model.plan, true) * both(options.steps, options.batch_tokens)};
}

StageCost cost_of_replies(Study const& study, EvaluateJob const& job) {
  std::int64_t tokens = 0;
  for (auto const p : job.selected)
    tokens += job.corpus.response_offset[p] - job.corpus.offset[p] + job.rules.max_new_tokens;
  auto const edits = std::ranges::count_if(study.evaluate.conditions,
                                           [](auto const& spec) { return spec.action != Action::none; });
  auto const conditions = 1 + edits * (1 + study.evaluate.controls);
  return {memory_of_pass(study, job, study.evaluate.batch_tokens) + job.cache_bytes(),
          flops_of_token(job.model.plan, true) * both(tokens, conditions)};
}

// A set that no reduction will write is found here, not when the reduction is there.
std::vector<std::string> unknown_sets(Study const& study, Corpus const& corpus, bool tunes, bool evaluates) {
  std::vector<std::pair<std::string, std::string>> named;  // as asked for, and the name of the set
  if (tunes)
    for (auto const& asked : study.tune.set)
      if (asked != all_experts) named.emplace_back("tune.set = " + asked, parse_set(asked, Action::mask).set);
  if (evaluates)
    for (auto const& spec : study.evaluate.conditions)
      if (spec.action != Action::none) named.emplace_back("evaluate.conditions: " + spec.text(), spec.set);
  auto const known = planned_sets(study.for_reduce(), corpus, study.corpus.sets, study.record.routing);
  std::vector<std::string> faults;
  for (auto const& [asked, name] : named) {
    if (name.ends_with(".json") || std::ranges::find(known, name) != known.end()) continue;
    auto const meant = nearest(name, known);
    faults.push_back(fmt::format("{}: `reduce` will write no set '{}'{}", asked, name,
                                 meant.empty() ? fmt::format("; its sets are {}", fmt::join(known, ", "))
                                               : fmt::format("; did you mean {}?", meant)));
  }
  return faults;
}

}  // namespace

StudyLayout lay_out(Study const& study, std::vector<std::string> const& stages) {
  StudyLayout layout;
  auto const attempt = [&](std::function<void()> const& look) {
    try {
      look();
    } catch (Error const& error) {
      if (std::ranges::find(layout.faults, error.what()) == layout.faults.end())
        layout.faults.emplace_back(error.what());
    }
  };
  auto const asked = [&](char const* stage) { return std::ranges::find(stages, stage) != stages.end(); };
  attempt([&] {
    auto const job = make_record_job(study);
    layout.resolved = job.resolved();
    layout.costs["record"] = cost_of_record(study, job);
    layout.costs["reduce"] = cost_of_reduction(study, job);
  });
  if (asked("reduce") && (asked("tune") || asked("evaluate")))
    attempt([&] {
      std::ranges::move(unknown_sets(study, read_corpus(study.corpus.path), asked("tune"), asked("evaluate")),
                        std::back_inserter(layout.faults));
    });
  if (asked("attribute"))
    attempt([&] { layout.costs["attribute"] = cost_of_attribution(study, lay_out_margins(study)); });
  if (asked("tune"))
    attempt([&] {
      validate<ConfigError>(!study.tune.set.empty(), "tune.set: names no set, so there is nothing to train");
      layout.costs["tune"] = cost_of_training(study, open_inputs(study));
    });
  if (asked("evaluate"))
    attempt([&] { layout.costs["evaluate"] = cost_of_replies(study, lay_out_replies(study)); });
  return layout;
}

}  // namespace moerae
