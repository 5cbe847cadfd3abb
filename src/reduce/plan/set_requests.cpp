#include "reduce/plan/set_requests.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "reduce/esft.hpp"
#include "reduce/stability/groups.hpp"

namespace moerae {

CriterionKind kind_of(std::string const& criterion) {
  if (criterion == "ses") return CriterionKind::ses;
  if (find_esft(criterion)) return CriterionKind::esft;
  if (contrast::find(criterion)) return CriterionKind::contrast;
  expect(std::ranges::find(safety_groups, criterion) != std::end(safety_groups), "criterion {}: unknown",
         criterion);
  return CriterionKind::safety_group;
}

std::string stability_name(StabilityRule const& rule, ContrastOptions::Pair const& pair) {
  return rule.score + "-" + versus(pair);
}

SelectOptions resolved(SelectOptions select, ReducePlan const& plan) {
  auto const kind = kind_of(select.criterion);
  if (kind == CriterionKind::safety_group) select.groups = {plan.regular, plan.jailbreak};
  if (kind == CriterionKind::ses && select.groups)
    select.set = stability_name(*plan.contrast_stability, *select.groups);
  if (kind == CriterionKind::esft && !select.count && !select.threshold && !select.p)
    select.p = find_esft(select.criterion)->default_p;
  return select;
}

std::vector<SelectOptions> default_requests(ReducePlan const& plan) {
  std::vector<SelectOptions> all;
  for (auto const& set : plan.ses_sets) all.push_back({.name = "ses-" + set, .criterion = "ses", .set = set});
  for (auto const& pair : plan.pairs)
    if (plan.contrast_stability && planned(plan.passes, plan.contrast_stability->score, pair))
      all.push_back({.name = "ses-" + stability_name(*plan.contrast_stability, pair),
                     .criterion = "ses",
                     .groups = pair});
  for (auto const& set : plan.esft_sets)
    for (std::string const criterion : {"esft_token", "esft_gate"})
      all.push_back({.name = criterion + "-" + set, .criterion = criterion, .set = set});
  for (auto const word : safety_groups)
    if (std::string const group(word); !plan.regular.empty() &&
                                       (group != "hcdg-minus-benign" || !plan.benign.empty()) &&
                                       (group != "hrcg-undetermined" || !plan.stability.plain_difference))
      all.push_back({.name = group, .criterion = group});
  for (auto const& groups : plan.groups)
    for (auto const* row : plan.criteria)
      if (std::string const criterion(row->name); planned(plan.passes, criterion, groups))
        all.push_back({.name = criterion + "-" + versus(groups),
                       .criterion = criterion,
                       .groups = groups,
                       .count = plan.count});
  for (auto& one : all) one = resolved(std::move(one), plan);
  return all;
}

}  // namespace moerae
