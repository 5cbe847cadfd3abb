#include <algorithm>
#include <numeric>

#include "reduce/results/results.hpp"
#include "reduce/results/select.hpp"

namespace moerae {
namespace {

using Json = nlohmann::ordered_json;
using Kind = SetRequest::Kind;

Json group_sizes(Scores const& scores, std::vector<std::string> const& names) {
  Json out = Json::object();
  for (auto const& name : names) {
    auto const& table = *std::ranges::find(scores.facts, name, &UsageTable::name);
    out[name] = {{"prompts", table.prompts},
                 {"clusters", table.clusters.size()},
                 {"tokens", std::accumulate(table.tokens.begin(), table.tokens.end(), std::int64_t{0})}};
  }
  return out;
}

std::vector<std::string> sets_of(SetRequest const& request, ReducePlan const& plan) {
  if (request.groups.a.empty()) return {request.set};
  auto names = request.groups.others();
  names.insert(names.begin(), request.groups.a);
  if (request.criterion == "hcdg-minus-benign") names.push_back(plan.benign);
  return names;
}

std::string positions_of(SetRequest const& request, ReducePlan const& plan) {
  bool const stable_contrast = request.kind == Kind::ses && !request.groups.a.empty();
  if (request.kind != Kind::contrast && !stable_contrast) return plan.ses_positions.name;
  auto const own =
      contrast::find(stable_contrast ? plan.contrast_stability->score : request.criterion)->positions;
  return own.empty() ? plan.positions.name : std::string(own);
}

Json rule_of(SetRequest const& request) {
  Json rule = Json::object();
  if (request.count) rule["count"] = *request.count;
  if (request.p) rule["p"] = *request.p;
  if (request.threshold) rule["threshold"] = *request.threshold;
  if (request.kind == Kind::contrast)
    rule["side"] = request.side == store::Side::positive   ? "positive"
                   : request.side == store::Side::negative ? "negative"
                                                           : "both";
  return rule;
}

Json stability_of(Stability const& stability) {
  auto const& rule = stability.rule;
  return {{"score", rule.score},
          {"resample", rule.resampling == Resampling::complementary ? "complementary" : "bootstrap"},
          {"samples", rule.samples},
          {"top", stability.top},
          {"scope", rule.scope == Scope::model ? "model" : "layer"},
          {"threshold", rule.threshold},
          {"hrcg",
           rule.plain_difference ? "plain difference" : "frequency <= 1 - threshold in the jailbreak set"}};
}

}  // namespace

std::vector<store::ExpertSet> make_sets(ReducePlan const& plan, Scores const& scores,
                                        RecordSource const& source, store::Provenance const& base) {
  std::vector<store::ExpertSet> sets;
  for (auto const& request : plan.requests) {
    store::ExpertSet set{request.name, request.criterion, scores.model_id, store::to_json(base),
                         select_experts(request, scores)};
    auto& provenance = set.provenance;
    provenance["in_sample"] = true;  // chosen and scored on the same prompts
    provenance["splits"] = {"discovery"};
    provenance["positions"] = positions_of(request, plan);
    provenance["groups"] = group_sizes(scores, sets_of(request, plan));
    provenance["selection"] = rule_of(request);
    if (request.kind == Kind::ses) provenance["stability"] = stability_of(scores.ses.at(request.set));
    if (request.kind == Kind::safety_group)
      provenance["stability"] = stability_of(scores.ses.at(plan.regular));
    provenance["record"] = {{"run", source.run.string()},
                            {"name", source.name()},
                            {"hash", source.stage.hash},
                            {"shards", source.digest}};
    sets.push_back(std::move(set));
  }
  return sets;
}

}  // namespace moerae
