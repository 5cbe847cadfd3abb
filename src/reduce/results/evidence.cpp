#include "reduce/results/evidence.hpp"

#include <algorithm>

#include "reduce/controls/controls.hpp"
#include "reduce/results/sets.hpp"
#include "reduce/significance/true_discoveries.hpp"

namespace moerae {
namespace {

using Json = nlohmann::ordered_json;

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

// The members of a set as indices [L*K], best first.
std::vector<std::size_t> indices_of(ExpertSpace const& space, store::ExpertSet const& set) {
  std::vector<std::size_t> out;
  for (auto const& member : set.experts) {
    auto const layer = std::ranges::find(space.layers, member.layer.value) - space.layers.begin();
    out.push_back(
        space.index(static_cast<std::size_t>(layer), static_cast<std::size_t>(member.expert.value)));
  }
  return out;
}

// Those of the set that are super experts: masking it then says what damage does, too.
Json supers_in(Scores const& scores, std::vector<std::size_t> const& experts) {
  auto out = Json::array();
  auto const width = static_cast<std::size_t>(scores.space.experts);
  for (auto const e : experts)
    if (std::ranges::binary_search(scores.supers, e))
      out.push_back({scores.space.layers[e / width], e % width});
  return out;
}

SetUsage usage_of(Scores const& scores, std::string const& set) {
  auto const& total = scores.sets.at(set).total;
  return {set, total.count, total.mass};
}

}  // namespace

void add_evidence(SelectOptions const& request, ReducePlan const& plan, Scores const& scores,
                  store::ExpertSet& set) {
  auto const& score = score_of(request, scores);
  auto experts = indices_of(scores.space, set);
  set.evidence = score.evidence;
  if (!scores.largest.empty()) set.evidence["super_experts"] = supers_in(scores, experts);
  if (auto const& test = score.significance; test) {
    set.evidence["significance"] = significance_of(*test, experts);
    if (test->refused.empty() && !(request.groups && request.groups->several()))
      set.evidence["true_discoveries"] = discoveries_of(*test, experts);
  }
  if (plan.controls == 0) return;
  auto const evaluated = request.groups ? request.groups->a : request.set;
  auto const benign = plan.benign.empty() && score.signs ? request.groups->others().front() : plan.benign;
  std::optional<SetUsage> other;
  if (!benign.empty() && benign != evaluated) other = usage_of(scores, benign);
  std::ranges::sort(experts);
  auto drawn = draw_controls(
      scores.space, set.name, experts, usage_of(scores, evaluated), other,
      {.matched = static_cast<std::uint32_t>(plan.controls), .seed = plan.seed, .left_out = scores.supers});
  set.controls = std::move(drawn.sets);
  if (!drawn.notes.empty()) set.evidence["controls_note"] = drawn.notes;
}

}  // namespace moerae
