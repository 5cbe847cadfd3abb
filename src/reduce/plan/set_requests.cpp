#include "reduce/plan/set_requests.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "reduce/esft.hpp"
#include "reduce/stability/groups.hpp"

namespace moerae {

using Kind = SetRequest::Kind;

Kind kind_of(std::string const& criterion) {
  if (criterion == "ses") return Kind::ses;
  if (find_esft(criterion)) return Kind::esft;
  if (contrast::find(criterion)) return Kind::contrast;
  expect(std::ranges::find(safety_groups, criterion) != std::end(safety_groups), "criterion {}: unknown",
         criterion);
  return Kind::safety_group;
}

std::string stability_name(StabilityRule const& rule, ContrastOptions::Pair const& pair) {
  return rule.score + "-" + versus(pair);
}

SetRequest request_of(SelectOptions const& select, ReducePlan const& plan) {
  SetRequest request{.name = select.name,
                     .criterion = select.criterion,
                     .kind = kind_of(select.criterion),
                     .set = select.set,
                     .groups = select.groups.value_or(ContrastOptions::Pair{}),
                     .count = select.count,
                     .p = select.p,
                     .threshold = select.threshold,
                     .side = select.side};
  if (request.kind == Kind::safety_group) request.groups = {plan.regular, plan.jailbreak};
  if (request.kind == Kind::ses && select.groups)
    request.set = stability_name(*plan.contrast_stability, *select.groups);
  if (request.kind == Kind::esft && !select.count && !select.threshold && !select.p)
    request.p = find_esft(select.criterion)->default_p;
  return request;
}

std::vector<SetRequest> default_requests(ReducePlan const& plan, std::int64_t count) {
  std::vector<SetRequest> requests;
  for (auto const& set : plan.ses_sets)
    requests.push_back({.name = "ses-" + set, .criterion = "ses", .kind = Kind::ses, .set = set});
  for (auto const& pair : plan.pairs)
    if (plan.contrast_stability && planned(plan.passes, plan.contrast_stability->score, pair)) {
      auto const name = stability_name(*plan.contrast_stability, pair);
      requests.push_back(
          {.name = "ses-" + name, .criterion = "ses", .kind = Kind::ses, .set = name, .groups = pair});
    }
  for (auto const& set : plan.esft_sets)
    for (std::string const criterion : {"esft_token", "esft_gate"})
      requests.push_back({.name = criterion + "-" + set,
                          .criterion = criterion,
                          .kind = Kind::esft,
                          .set = set,
                          .p = find_esft(criterion)->default_p});
  for (auto const group : safety_groups) {
    bool const formed = !plan.regular.empty() && (group != "hcdg-minus-benign" || !plan.benign.empty()) &&
                        (group != "hrcg-undetermined" || !plan.stability.plain_difference);
    if (formed)
      requests.push_back({.name = std::string(group),
                          .criterion = std::string(group),
                          .kind = Kind::safety_group,
                          .groups = {plan.regular, plan.jailbreak}});
  }
  for (auto const& groups : plan.groups)
    for (auto const* criterion : plan.criteria)
      if (planned(plan.passes, std::string(criterion->name), groups))
        requests.push_back({.name = fmt::format("{}-{}", criterion->name, versus(groups)),
                            .criterion = std::string(criterion->name),
                            .kind = Kind::contrast,
                            .groups = groups,
                            .count = count});
  return requests;
}

}  // namespace moerae
