#include "reduce/plan/plan.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "moerae/reduce/names.hpp"
#include "moerae/reduce/plan/check_options.hpp"
#include "moerae/reduce/reduce.hpp"
#include "reduce/plan/set_requests.hpp"

namespace moerae {
namespace {

template <class T>
bool contains(std::vector<T> const& all, T const& one) {
  return std::ranges::find(all, one) != all.end();
}
template <class T>
void add(std::vector<T>& all, T const& one) {
  if (!contains(all, one)) all.push_back(one);
}

// What the options say by themselves.
ReducePlan plan_of(ReduceOptions const& options) {
  auto const& [seed, ses, contrast, reduce, select] = options;
  ReducePlan plan;
  plan.seed = seed;
  auto usage = ses;
  usage.score = "usage";
  plan.stability = stability_rule(usage);
  if (ses.score != "usage") plan.contrast_stability = stability_rule(ses);
  plan.positions = parse_positions("contrast.positions", contrast.positions);
  plan.ses_positions =
      ses.positions.empty() ? plan.positions : parse_positions("ses.positions", ses.positions);
  plan.regular = ses.regular;
  plan.jailbreak = ses.jailbreak;
  plan.benign = ses.benign;
  for (auto const& name : contrast.criteria) plan.criteria.push_back(contrast::find(name));
  if (contrast.criteria.empty() && !contrast.groups.empty())
    for (auto const& criterion : contrast::criteria()) plan.criteria.push_back(&criterion);
  plan.groups = contrast.groups;
  for (auto const& one : select) plan.requests.push_back(resolved(one, plan));
  plan.permutations = contrast.permutations;
  plan.controls = reduce.controls;
  plan.clusters = reduce.clusters;
  plan.count = contrast.count;
  plan.within = {contains(contrast.permute_within, std::string("topic")),
                 contains(contrast.permute_within, std::string("length"))};
  plan.bytes = static_cast<std::size_t>(reduce.memory) << 20;
  return plan;
}

// The sets there are; those that are named must be among them.
std::vector<std::string> known_sets(ReduceOptions const& options, Corpus const& corpus,
                                    std::vector<std::string> const& recorded, Faults& faults) {
  std::set<std::string> known;
  for (std::size_t p = 0; p < corpus.size(); ++p)
    if (std::string const name(corpus.set.name(p));
        !name.empty() && (recorded.empty() || contains(recorded, name)))
      known.insert(name);
  for (auto const& [key, set] : named_sets(options))
    if (!known.contains(set))
      faults.add({key}, "{} = {}: no such prompt set is recorded; there are {}", key, set,
                 fmt::join(known, ", "));
  return {known.begin(), known.end()};
}

// Those of [ses]; without any, all that are known.
void choose_sets(SesOptions const& ses, std::vector<std::string> const& known, ReducePlan& plan,
                 Faults& faults) {
  plan.ses_sets = ses.sets;
  for (auto const& set : {ses.regular, ses.jailbreak, ses.benign})
    if (!set.empty()) add(plan.ses_sets, set);
  if (plan.ses_sets.empty()) {
    plan.ses_sets = known;
    for (auto const& set : known)
      if (!can_name_a_file(set))
        faults.add({"ses.sets"},
                   "set '{}' becomes part of file names and of conditions; {}: rename it, or say in ses.sets "
                   "which sets are meant",
                   set, file_name_rule);
  }
  std::ranges::sort(plan.ses_sets);
  plan.esft_sets = plan.ses_sets;
  for (auto& request : plan.requests) {
    if (request.groups || !request.set.empty()) continue;
    if (plan.ses_sets.size() == 1)  // the only set there is needs no name
      request.set = plan.ses_sets.front();
    else
      faults.add({"select." + request.name + ".set"},
                 "select.{}.set: {} scores one prompt set; name one of {}", request.name, request.criterion,
                 fmt::join(plan.ses_sets, ", "));
  }
}

// What [select] asks for is computed and stored with the rest.
void widen_by_requests(ReducePlan& plan) {
  for (auto const& request : plan.requests) {
    if (!request.groups) add(request.criterion == "ses" ? plan.ses_sets : plan.esft_sets, request.set);
    if (!request.groups || kind_of(request.criterion) == CriterionKind::safety_group) continue;
    add(plan.groups, *request.groups);
    if (auto const* criterion = contrast::find(request.criterion)) add(plan.criteria, criterion);
  }
  if (plan.contrast_stability) add(plan.criteria, contrast::find(plan.contrast_stability->score));
  for (auto const* names : {&plan.ses_sets, &plan.esft_sets})
    for (auto const& name : *names) add(plan.sets, name);
  for (auto const& groups : plan.groups)
    for (auto const& pair : groups.parts()) {
      add(plan.pairs, pair);
      for (auto const& name : {pair.a, pair.b}) add(plan.sets, name);
    }
  for (auto* names : {&plan.ses_sets, &plan.esft_sets, &plan.sets}) std::ranges::sort(*names);
}

// The unit of resampling and of comparison is the cluster: nothing can be said of a single one.
void check_clusters(ReducePlan const& plan, SetFacts& facts, Faults& faults) {
  std::set<std::string> lone;
  auto const refuse_lone = [&](std::string const& set, Positions const& positions) {
    if (facts.at(positions, set).clusters.size() == 1 && lone.insert(set).second)
      faults.add(
          {},
          "set {}: its discovery split is 1 cluster, which can be neither resampled nor compared; give it "
          "at least 2, or leave it out of ses.sets, contrast.groups and select",
          set);
  };
  for (auto const& set : plan.sets) {
    auto const why = nothing_to_count(facts.at(plan.ses_positions, set), plan.ses_positions);
    if (!why.empty()) faults.add({}, "{}", why);
    if (contains(plan.ses_sets, set)) refuse_lone(set, plan.ses_positions);
  }
  for (auto const& pair : plan.pairs)
    for (auto const& set : {pair.a, pair.b}) refuse_lone(set, plan.positions);
}

// Whether the study names the contrast, not only the groups: then it must be possible.
bool is_named(PlannedContrast const& contrast, ReduceOptions const& options, ReducePlan const& plan) {
  if (contrast.criterion == nullptr) return false;
  std::string const name(contrast.criterion->name);
  if (contains(options.contrast.criteria, name) || options.ses.score == name) return true;
  return std::ranges::any_of(plan.requests, [&](SelectOptions const& request) {
    return request.criterion == name && contains(request.groups->parts(), contrast.pair);
  });
}

}  // namespace

ReducePlan plan_reduce(ReduceOptions const& options, Corpus const& corpus, Recorded const& recorded) {
  Faults faults;
  auto plan = plan_of(options);
  choose_sets(options.ses, known_sets(options, corpus, recorded.sets, faults), plan, faults);
  faults.raise();
  widen_by_requests(plan);
  SetFacts facts(corpus, recorded, plan.clusters, plan.seed);
  check_clusters(plan, facts, faults);
  std::map<std::string, std::vector<std::string>> reasons;  // of what is left out
  plan.passes = plan_passes(facts, plan.criteria, plan.pairs, plan.positions,
                            [&](PlannedContrast const& contrast, std::string const& why) {
                              auto const what = fmt::format(
                                  "{} of {}", contrast.criterion ? contrast.criterion->name : "topic table",
                                  contrast.pair.text());
                              if (is_named(contrast, options, plan))
                                faults.add({}, "{}: {}", what, why);
                              else
                                reasons[why].push_back(what);
                            });
  for (auto const& [why, what] : reasons)
    plan.left_out.push_back(fmt::format("{}: {}", fmt::join(what, ", "), why));
  faults.raise();
  if (options.select.empty()) plan.requests = default_requests(plan);
  return plan;
}

void check_against_corpus(ReduceOptions const& options, Corpus const& corpus,
                          std::vector<std::string> const& sets, bool has_routing) {
  (void)planned_sets(options, corpus, sets, has_routing);
}

std::vector<std::string> planned_sets(ReduceOptions const& options, Corpus const& corpus,
                                      std::vector<std::string> const& sets, bool has_routing) {
  std::vector<std::string> names;
  if (options.select.empty() && named_sets(options).empty()) return names;
  auto const plan = plan_reduce(options, corpus, {sets, has_routing, nullptr, /*attributions_to_come=*/true});
  for (auto const& request : plan.requests) names.push_back(request.name);
  return names;
}

nlohmann::ordered_json resolved_inputs(ReduceOptions const& options) {
  nlohmann::ordered_json resolved = nlohmann::ordered_json::object();
  if (options.ses.positions.empty()) resolved["ses.positions"] = options.contrast.positions;
  if (options.contrast.criteria.empty() && !options.contrast.groups.empty())
    resolved["contrast.criteria"] = contrast_criteria();
  return resolved;
}

}  // namespace moerae
