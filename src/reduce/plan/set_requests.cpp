#include "reduce/plan/set_requests.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "reduce/esft.hpp"
#include "reduce/stability/groups.hpp"

namespace moerae {
namespace {

using Kind = SetRequest::Kind;

std::optional<Kind> kind_of(std::string const& criterion) {
  if (criterion == "ses") return Kind::ses;
  if (find_esft(criterion)) return Kind::esft;
  if (contrast::find(criterion)) return Kind::contrast;
  if (std::ranges::find(safety_groups, criterion) != std::end(safety_groups)) return Kind::safety_group;
  return std::nullopt;
}

store::Side parse_side(std::string const& side, std::string const& key, ConfigFaults& faults) {
  for (auto const known : {store::Side::positive, store::Side::negative, store::Side::both})
    if (side == store::word_of(known)) return known;
  faults.add("{}.side = {}: unknown; known are positive, negative, both", key, side);
  return store::Side::positive;
}

// How much is taken: at most one of the three, and one that the criterion understands.
void check_amount(SetRequest const& request, std::string const& key, ConfigFaults& faults) {
  int const given = (request.count ? 1 : 0) + (request.p ? 1 : 0) + (request.threshold ? 1 : 0);
  if (given > 1) faults.add("{}: count, p and threshold exclude each other; keep one", key);
  if (given == 0 && request.kind == Kind::contrast)
    faults.add("{}: a contrast scores every expert, so count or threshold must say how many are meant", key);
  if (request.p && request.kind != Kind::esft)
    faults.add("{}.p: is the share of a layer's score that ESFT takes; for {} use count or threshold", key,
               request.criterion);
  if (request.p && !(*request.p > 0 && *request.p <= 1))
    faults.add("{}.p = {}: must be above 0 and at most 1", key, *request.p);
  if (request.count && *request.count < 1)
    faults.add("{}.count = {}: must be at least 1", key, *request.count);
  if (request.threshold && !(std::isfinite(*request.threshold) && *request.threshold >= 0))
    faults.add("{}.threshold = {}: must be a finite number from 0; use side for the sign", key,
               *request.threshold);
}

}  // namespace

void check_file_name(std::string const& name, std::string const& key, ConfigFaults& faults) {
  auto const plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '+';
  };
  if (name.empty() || name.front() == '.' || !std::ranges::all_of(name, plain))
    faults.add(
        "{}: \"{}\" becomes part of a file name and of conditions; use letters, digits and . _ - + only", key,
        name);
}

ContrastOptions::Pair parse_pair(std::string const& text, std::string const& key, ConfigFaults& faults) {
  auto const colon = text.find(':');
  ContrastOptions::Pair pair{text.substr(0, colon), colon == std::string::npos ? "" : text.substr(colon + 1)};
  auto names = pair.others();
  if (pair.a.empty() || std::ranges::find(names, "") != names.end() || pair.b.find(':') != std::string::npos)
    faults.add("{} = {}: must be two prompt sets a:b, positive scores meaning more use in a, or a:b/c", key,
               text);
  else if (std::ranges::find(names, pair.a) != names.end())
    faults.add("{} = {}: a set cannot be contrasted with itself", key, text);
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) != names.end())
    faults.add("{} = {}: a set is named twice after the colon", key, text);
  return pair;
}

std::string stability_name(StabilityRule const& rule, ContrastOptions::Pair const& pair) {
  return rule.score + "-" + versus(pair);
}

SetRequest parse_select(SelectOptions const& select, ReducePlan const& plan, ConfigFaults& faults) {
  auto const key = "select." + select.name;
  check_file_name(select.name, key, faults);
  SetRequest request{select.name,
                     select.criterion,
                     Kind::ses,
                     select.set,
                     {},
                     select.count,
                     select.p,
                     select.threshold,
                     parse_side(select.side, key, faults)};
  auto const kind = kind_of(select.criterion);
  if (!kind) {
    faults.add("{}.criterion = {}: unknown; known are ses, {}, {}, esft_token, esft_gate", key,
               select.criterion.empty() ? "(empty)" : select.criterion, fmt::join(safety_groups, ", "),
               contrast::known());
    return request;
  }
  request.kind = *kind;
  bool const stable_contrast = *kind == Kind::ses && !select.groups.empty();
  bool const one_group = (*kind == Kind::ses || *kind == Kind::esft) && !stable_contrast;
  if (stable_contrast) {
    request.groups = parse_pair(select.groups, key + ".groups", faults);
    if (!select.set.empty()) faults.add("{}: set and groups exclude each other; keep one", key);
    if (!plan.contrast_stability)
      faults.add("{}.groups: selections of a contrast are made where ses.score names one; it is usage", key);
    else
      request.set = stability_name(*plan.contrast_stability, request.groups);
    if (request.groups.several())
      faults.add("{}.groups = {}: a selection frequency is of two sets; name one pair a:b", key,
                 select.groups);
  }
  if (one_group && select.set.empty()) {  // the only set there is needs no name
    if (plan.ses_sets.size() == 1)
      request.set = plan.ses_sets.front();
    else
      faults.add("{}.set: {} scores one prompt set; name one of {}", key, select.criterion,
                 fmt::join(plan.ses_sets, ", "));
  }
  if (!one_group && !stable_contrast && !select.set.empty())
    faults.add("{}.set: {} compares two groups; use {} instead", key, select.criterion,
               *kind == Kind::contrast ? "groups = a:b" : "ses.regular and ses.jailbreak");
  if (*kind == Kind::contrast) {
    request.groups = parse_pair(select.groups, key + ".groups", faults);
    if (request.groups.several() && request.side != store::Side::positive)
      faults.add(
          "{}.side = {}: {} asks for more in the first set than in each other; only positive has a meaning",
          key, select.side, select.groups);
  } else if (!select.groups.empty() && !stable_contrast)
    faults.add("{}.groups: {} takes {}", key, select.criterion,
               one_group ? "set" : "ses.regular and ses.jailbreak");
  if (*kind == Kind::safety_group) {
    if (plan.regular.empty()) faults.add("{}: {} needs ses.regular and ses.jailbreak", key, select.criterion);
    if (select.criterion == "hcdg-minus-benign" && plan.benign.empty())
      faults.add("{}: {} needs ses.benign", key, select.criterion);
    request.groups = {plan.regular, plan.jailbreak};
  }
  if (*kind != Kind::contrast && request.side != store::Side::positive)
    faults.add("{}.side = {}: only contrasts have two sides", key, select.side);
  check_amount(request, key, faults);
  if (*kind == Kind::esft && !request.count && !request.threshold && !request.p)
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
