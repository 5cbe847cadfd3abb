#include "reduce/results/publish.hpp"

#include <algorithm>

#include "moerae/store/content_hash.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/publish.hpp"
#include "reduce/results/write_scores.hpp"

namespace moerae {
namespace {

namespace fs = std::filesystem;

fs::path scores_path(store::StageDir const& stage) {
  return stage.path / "scores.h5";
}
fs::path set_path(store::StageDir const& stage, std::string const& name) {
  return stage.path / "sets" / (name + ".json");
}

}  // namespace

bool results_complete(fs::path const& run, store::StageDir const& stage, ReducePlan const& plan) {
  if (!stage.exists) return false;
  auto const manifest = store::Manifest::read(run);
  auto const whole = [&](fs::path const& path) {
    return store::standing_of(manifest, run, path, store::Look::at_bytes) == store::Standing::whole;
  };
  return whole(scores_path(stage)) && std::ranges::all_of(plan.requests, [&](auto const& request) {
           return whole(set_path(stage, request.name));
         });
}

void publish_results(fs::path const& run, store::StageDir& stage, Scores const& scores,
                     std::vector<store::ExpertSet> const& sets, store::Provenance const& provenance) {
  store::create_stage(stage);
  store::remove_stale_temporaries(stage.path, store::Depth::below);
  std::vector<store::Entry> entries;
  for (auto const& set : sets) {
    store::write_expert_set(set_path(stage, set.name), set);
    entries.push_back(store::make_entry(run, set_path(stage, set.name), "reduce"));
  }
  store::publish(scores_path(stage),
                 [&](fs::path const& temporary) { write_scores(temporary, scores, provenance); });
  entries.push_back(store::make_entry(run, scores_path(stage), "reduce"));
  store::Manifest::read(run).append(entries);
}

}  // namespace moerae
