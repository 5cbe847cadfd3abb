#include "reduce/results/sets.hpp"

#include <numeric>

#include "reduce/results/select.hpp"

namespace moerae {
namespace {

using Json = nlohmann::ordered_json;

Json group_sizes(Scores const& scores, std::vector<std::string> const& names) {
  Json out = Json::object();
  for (auto const& name : names) {
    auto const& facts = scores.sets.at(name).facts;
    out[name] = {{"prompts", facts.prompts},
                 {"clusters", facts.clusters.size()},
                 {"tokens", std::accumulate(facts.tokens.begin(), facts.tokens.end(), std::int64_t{0})}};
  }
  return out;
}

std::vector<std::string> sets_of(SelectOptions const& request, ReducePlan const& plan) {
  if (!request.groups) return {request.set};
  auto names = request.groups->others();
  names.insert(names.begin(), request.groups->a);
  if (request.criterion == "hcdg-minus-benign") names.push_back(plan.benign);
  return names;
}

Json amount_of(SelectOptions const& request, bool signs) {
  Json amount = Json::object();
  if (request.count) amount["count"] = *request.count;
  if (request.p) amount["p"] = *request.p;
  if (request.threshold) amount["threshold"] = *request.threshold;
  if (signs) amount["side"] = word_of(store::side_words, request.side);
  return amount;
}

}  // namespace

Score const& score_of(SelectOptions const& request, Scores const& scores) {
  return scores.at(request.criterion, request.set.empty() ? versus(*request.groups) : request.set);
}

std::vector<store::ExpertSet> make_sets(ReducePlan const& plan, Scores const& scores,
                                        RecordSource const& source, store::Provenance const& base) {
  std::vector<store::ExpertSet> sets;
  for (auto const& request : plan.requests) {
    auto const& score = score_of(request, scores);
    store::ExpertSet set{request.name, request.criterion, scores.model_id, store::to_json(base),
                         select_experts(request, scores.space, score)};
    auto& provenance = set.provenance;
    provenance["in_sample"] = true;  // chosen and scored on the same prompts
    provenance["splits"] = {"discovery"};
    provenance["positions"] = score.positions;
    provenance["groups"] = group_sizes(scores, sets_of(request, plan));
    provenance["selection"] = amount_of(request, score.signs);
    if (!score.rule.empty()) provenance["stability"] = score.rule;
    provenance["record"] = {{"run", source.run.string()},
                            {"name", source.name()},
                            {"hash", source.stage.hash},
                            {"shards", source.digest}};
    sets.push_back(std::move(set));
  }
  return sets;
}

}  // namespace moerae
