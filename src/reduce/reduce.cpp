#include "moerae/reduce/reduce.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/reduce/plan/check_options.hpp"
#include "reduce/results/evidence.hpp"
#include "reduce/results/publish.hpp"
#include "reduce/results/sets.hpp"
#include "reduce/results/summary.hpp"
#include "reduce/usage/attributions.hpp"
#include "reduce/usage/outcomes.hpp"

namespace moerae {
namespace {

// Everything that is decided before the record is read.
struct Prepared {
  RecordSource source;
  Corpus corpus;
  std::unique_ptr<Attributions const> attributions;  // null: none
  ReducePlan plan;
  store::StageDir stage;
};

Prepared prepare(ReduceInputs const& in) {
  Prepared made;
  made.source = find_record(in.from.empty() ? in.run : in.from, in.record_dir);
  made.corpus = recorded_corpus(made.source);
  if (!in.attribution_dir.empty())
    made.attributions = std::make_unique<Attributions>(made.source.run, in.attribution_dir, made.corpus);
  auto const by_outcome = sets_by_outcome(in.options);
  std::string outcomes;
  if (!by_outcome.empty())
    outcomes = read_outcomes(made.source.run, made.source.stage, by_outcome, made.corpus);
  made.plan = plan_reduce(in.options, made.corpus,
                          {made.source.sets, has_routing(made.source), made.attributions.get()});
  auto inputs = in.inputs;
  inputs["record"] = made.source.stage.hash;
  inputs["shards"] = made.source.digest;  // an imported record can grow under one hash
  inputs["corpus"] = made.corpus.content_hash;
  if (std::ranges::any_of(made.plan.passes, [](auto const& pass) { return !pass.positions.drop.empty(); }))
    inputs["attribution"] = made.attributions->digest();
  if (!outcomes.empty()) inputs["outcomes"] = outcomes;
  made.stage = store::find_stage(in.run, "reduce", inputs);
  return made;
}

}  // namespace

ReduceResult run_reduce(mpi::Comm const& world, ReduceInputs const& in) {
  Prepared prepared;
  int complete = 0;
  mpi::agree(world, [&] {
    prepared = prepare(in);
    if (world.rank() == 0) complete = results_complete(in.run, prepared.stage, prepared.plan) ? 1 : 0;
  });
  auto& [source, corpus, attributions, plan, stage] = prepared;
  ReduceResult result{stage.path, mpi::maximum(world, complete) == 1, {}};
  if (result.nothing_new) {
    for (auto const& request : plan.requests) {
      auto const set = store::read_expert_set(stage.path / "sets" / (request.name + ".json"));
      result.sets.emplace_back(set.name, set.experts.size());
    }
    if (world.rank() == 0)
      spdlog::info(
          "{}: scores and {} expert set(s) of this record and configuration are there already; nothing to do",
          stage.path.string(), result.sets.size());
    return result;
  }
  auto record = check_record(world, source, corpus);
  record.attributions = attributions.get();
  auto const scores = compute_scores(world, plan, record);
  auto provenance = in.provenance;
  provenance.schema = "moerae.scores/1";
  provenance.model_id = record.model_id;
  provenance.tokenizer_hash = corpus.tokenizer_hash;
  provenance.stage_hash = stage.hash;
  provenance.seed = plan.seed;
  mpi::agree(world, [&] {
    auto sets = make_sets(plan, scores, source, provenance);
    for (auto const& set : sets) result.sets.emplace_back(set.name, set.experts.size());
    if (world.rank() != 0) return;
    for (std::size_t i = 0; i < sets.size(); ++i) add_evidence(plan.requests[i], plan, scores, sets[i]);
    publish_results(in.run, stage, scores, sets, provenance);
    print_summary(plan, scores, sets);
    spdlog::info("{}: scores.h5 and {} expert set(s)", stage.path.string(), sets.size());
  });
  return result;
}

}  // namespace moerae
