// What is known of an expert set beside its scores, and the control sets drawn for it.

#include <algorithm>

#include "reduce/bounds/bound_statement.hpp"
#include "reduce/controls/controls.hpp"
#include "reduce/results/results.hpp"
#include "reduce/significance/true_discoveries.hpp"

namespace moerae {
namespace {

using Json = nlohmann::ordered_json;
using Kind = SetRequest::Kind;

Json significance_of(Significance const& test, std::vector<std::size_t> const& experts) {
  Json out{{"test", test.statistic}, {"units", test.units}, {"pairs", test.pairs}, {"movable", test.movable}};
  if (!test.refused.empty()) {
    out["refused"] = test.refused;
    return out;
  }
  out["permutations"] = test.permutations;
  out["smallest_p"] = test.smallest_p;
  std::vector<double> adjusted;
  for (auto const e : experts) adjusted.push_back(test.p_adjusted[e]);
  out["significant"] = std::ranges::count_if(adjusted, [](double p) { return p <= .05; });
  out["p_adjusted"] = adjusted;
  return out;
}

// At least so many of the set differ, with 95 % confidence for all sets at once.
Json discoveries_of(Significance const& test, std::vector<std::size_t> const& experts) {
  std::vector<double> t;
  for (auto const e : experts) t.push_back(test.t[e]);
  return {{"at_least", true_discoveries(test.lambda, test.t.size(), t)},
          {"of", experts.size()},
          {"confidence", .95},
          {"meaning", "their routing differs between the groups; not that they cause refusal"}};
}

Json bounds_of(Stability const& stability) {
  auto const& [space, rule, top, count, sizes, path] = stability;
  bool const model = rule.scope == Scope::model;
  auto const q = model ? top : top * static_cast<std::int64_t>(space.layers.size());
  BoundCase const of{rule.resampling, rule.threshold, rule.samples, q,
                     static_cast<std::int64_t>(space.size())};
  std::int64_t selected = 0;
  for (std::size_t e = 0; e < count.size(); ++e) selected += stability.selected(e) ? 1 : 0;
  auto const said = bound_statement(of, selected, rule.score, model ? "model" : "layer");
  Json out{{"q", of.q}, {"p", of.p}, {"selected", selected}};
  out["unimodal"] = said.unimodal.value ? Json(*said.unimodal.value) : Json("none: " + said.unimodal.reason);
  out["informative"] = said.informative;
  out["says"] = said.sentence;
  return out;
}

Json floor_of(SetRequest const& request, ReducePlan const& plan, Scores const& scores) {
  auto const at = std::ranges::find(scores.floors, request.criterion, &NoiseFloor::group);
  if (at != scores.floors.end())
    return {
        {"benign", plan.benign}, {"splits", at->sizes.size()}, {"sizes", at->sizes}, {"mean", at->mean()}};
  return {{"missing", plan.benign.empty() ? "ses.benign names no set" : "fewer than 4 benign clusters"}};
}

void add_contrast(SetRequest const& request, Scores const& scores, store::ExpertSet& set) {
  auto const& contrast = scores.contrasts.at({request.criterion, versus(request.groups)});
  if (!contrast.significance) return;
  auto const experts = expert_indices(scores.space, set);
  set.evidence["significance"] = significance_of(*contrast.significance, experts);
  if (contrast.significance->refused.empty() && !request.groups.several())
    set.evidence["true_discoveries"] = discoveries_of(*contrast.significance, experts);
}

SetUsage usage_of(Scores const& scores, std::string const& set) {
  auto const& total = scores.totals.at(set);
  return {set, total.count, total.mass};
}

void add_controls(SetRequest const& request, ReducePlan const& plan, Scores const& scores,
                  store::ExpertSet& set) {
  if (plan.controls == 0) return;
  auto const evaluated = request.groups.a.empty() ? request.set : request.groups.a;
  auto benign = plan.benign;
  if (benign.empty() && request.kind == Kind::contrast) benign = request.groups.others().front();
  std::optional<SetUsage> other;
  if (!benign.empty() && benign != evaluated) other = usage_of(scores, benign);
  auto experts = expert_indices(scores.space, set);
  std::ranges::sort(experts);
  auto drawn = draw_controls(scores.space, set.name, experts, usage_of(scores, evaluated), other,
                             {.matched = static_cast<std::uint32_t>(plan.controls), .seed = plan.seed});
  set.controls = std::move(drawn.sets);
  if (!drawn.notes.empty()) set.evidence["controls_note"] = drawn.notes;
}

}  // namespace

std::vector<std::size_t> expert_indices(ExpertSpace const& space, store::ExpertSet const& set) {
  std::vector<std::size_t> out;
  for (auto const& member : set.experts) {
    auto const layer = std::ranges::find(space.layers, member.layer.value) - space.layers.begin();
    out.push_back(
        space.index(static_cast<std::size_t>(layer), static_cast<std::size_t>(member.expert.value)));
  }
  return out;
}

void add_evidence(ReducePlan const& plan, Scores const& scores, std::vector<store::ExpertSet>& sets) {
  for (std::size_t i = 0; i < sets.size(); ++i) {
    auto const& request = plan.requests[i];
    auto& set = sets[i];
    if (request.kind == Kind::contrast) add_contrast(request, scores, set);
    if (request.kind == Kind::ses) set.evidence["bounds"] = bounds_of(scores.ses.at(request.set));
    if (request.kind == Kind::safety_group) {
      for (auto const& name : {plan.regular, plan.jailbreak})
        set.evidence["bounds_" + name] = bounds_of(scores.ses.at(name));
      set.evidence["noise_floor"] = floor_of(request, plan, scores);
    }
    add_controls(request, plan, scores, set);
  }
}

}  // namespace moerae
