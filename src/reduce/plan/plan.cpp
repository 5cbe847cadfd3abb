#include "reduce/plan/plan.hpp"

#include <algorithm>
#include <set>

#include "moerae/base/check.hpp"
#include "moerae/reduce/names.hpp"
#include "moerae/reduce/reduce.hpp"
#include "reduce/plan/config_faults.hpp"
#include "reduce/plan/set_requests.hpp"

namespace moerae {
namespace {

// The sets that can be named, and faults about those that cannot.
class KnownSets {
 public:
  KnownSets(Corpus const& corpus, std::vector<std::string> const& recorded, ConfigFaults& faults)
      : faults_(faults) {
    for (std::size_t p = 0; p < corpus.size(); ++p) {
      std::string const name(corpus.set.name(p));
      if (!name.empty() && (recorded.empty() || std::ranges::find(recorded, name) != recorded.end()))
        names_.insert(name);
    }
  }
  [[nodiscard]] std::set<std::string> const& names() const { return names_; }

  void check(std::string const& name, std::string const& key) {
    if (names_.contains(name)) {
      check_file_name(name, key, faults_);
    } else if (name.find('@') != std::string::npos) {
      faults_.add(
          "{} = {}: groups by outcome need judged replies, which this run does not have; name a prompt set",
          key, name);
    } else {
      faults_.add("{} = {}: the record has no such prompt set; it has {}", key, name,
                  fmt::join(names_, ", "));
    }
  }

 private:
  ConfigFaults& faults_;
  std::set<std::string> names_;
};

PermuteWithin parse_within(std::vector<std::string> const& words) {
  PermuteWithin within{false, false};
  for (auto const& word : words) {
    validate<ConfigError>(word == "topic" || word == "length" || (word == "none" && words.size() == 1),
                          "contrast.permute_within = {}: give topic, length or both, or none alone",
                          fmt::join(words, ", "));
    within.topic |= word == "topic";
    within.length |= word == "length";
  }
  return within;
}

void plan_stability(SesOptions const& ses, ReducePlan& plan, ConfigFaults& faults) {
  auto usage = ses, contrast = ses;
  usage.score = "usage";
  if (ses.scope == "auto") usage.scope = "layer", contrast.scope = "model";
  faults.collect([&] { plan.stability = stability_rule(usage); });
  if (ses.score != "usage") faults.collect([&] { plan.contrast_stability = stability_rule(contrast); });
}

void plan_ses(SesOptions const& ses, ReducePlan& plan, KnownSets& known, ConfigFaults& faults) {
  plan.regular = ses.regular;
  plan.jailbreak = ses.jailbreak;
  plan.benign = ses.benign;
  if (ses.regular.empty() != ses.jailbreak.empty())
    faults.add("ses.regular = {} and ses.jailbreak = {}: HCDG and HRCG are formed of both; give both or none",
               ses.regular, ses.jailbreak);
  std::set<std::string> roles, named;
  std::pair<char const*, std::string const*> const keys[] = {
      {"ses.regular", &ses.regular}, {"ses.jailbreak", &ses.jailbreak}, {"ses.benign", &ses.benign}};
  for (auto const& [key, name] : keys) {
    if (name->empty()) continue;
    known.check(*name, key);
    if (!roles.insert(*name).second) faults.add("{} = {}: one set cannot have two roles", key, *name);
  }
  for (auto const& name : ses.sets) {
    known.check(name, "ses.sets");
    if (!named.insert(name).second) faults.add("ses.sets: {} is named twice", name);
  }
  named.merge(roles);
  if (named.empty()) {
    for (auto const& name : known.names()) known.check(name, "ses.sets");
    named = known.names();
  }
  plan.ses_sets.assign(named.begin(), named.end());
  plan.esft_sets = plan.ses_sets;
}

void check_groups(ContrastOptions::Pair const& groups, std::string const& key, KnownSets& known) {
  if (!groups.a.empty()) known.check(groups.a, key);
  for (auto const& name : groups.others())
    if (!name.empty()) known.check(name, key);
}

void plan_contrasts(ContrastOptions const& contrast, ReducePlan& plan, KnownSets& known,
                    ConfigFaults& faults) {
  for (auto const& name : contrast.criteria) {
    auto const* criterion = contrast::find(name);
    if (criterion == nullptr)
      faults.add("contrast.criteria: {} is unknown; known are {}", name, contrast::known());
    else if (std::ranges::find(plan.criteria, criterion) != plan.criteria.end())
      faults.add("contrast.criteria: {} is named twice", name);
    else
      plan.criteria.push_back(criterion);
  }
  if (contrast.criteria.empty() && !contrast.groups.empty())
    for (auto const& criterion : contrast::criteria()) plan.criteria.push_back(&criterion);
  std::set<std::pair<std::string, std::string>> seen;
  for (auto const& given : contrast.groups) {
    auto const text = given.a + ":" + given.b;
    auto const pair = parse_pair(text, "contrast.groups", faults);
    check_groups(pair, "contrast.groups", known);
    if (!seen.insert({pair.a, pair.b}).second) faults.add("contrast.groups: {} is named twice", text);
    for (auto const& other : plan.groups)
      if (!(other == pair) && versus(other) == versus(pair))
        faults.add("contrast.groups: {} and {}:{} have the same name in files, {}; rename a set", text,
                   other.a, other.b, versus(pair));
    plan.groups.push_back(pair);
  }
  if (contrast.count < 1) faults.add("contrast.count = {}: must be at least 1", contrast.count);
  if (contrast.permutations < 0 || contrast.permutations > 10'000'000)
    faults.add("contrast.permutations = {}: must be from 0 to 10,000,000", contrast.permutations);
  plan.permutations = contrast.permutations;
  plan.count = contrast.count;
  faults.collect([&] { plan.within = parse_within(contrast.permute_within); });
}

void plan_selects(std::vector<SelectOptions> const& selects, ReducePlan& plan, KnownSets& known,
                  ConfigFaults& faults) {
  std::set<std::string> names;
  for (auto const& select : selects) {
    if (!names.insert(select.name).second) faults.add("select.{}: is defined twice", select.name);
    auto const request = parse_select(select, plan, faults);
    auto const key = "select." + select.name;
    bool const pair = request.kind == SetRequest::Kind::contrast ||
                      (request.kind == SetRequest::Kind::ses && !request.groups.a.empty());
    if (!request.set.empty() && !pair) known.check(request.set, key + ".set");
    if (pair) check_groups(request.groups, key + ".groups", known);
    plan.requests.push_back(request);
  }
}

void add(std::vector<std::string>& names, std::string const& name) {
  if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
}

// What [select] asks for is computed and stored with the rest.
void widen_by_requests(ReducePlan& plan) {
  for (auto const& request : plan.requests) {
    if (request.kind == SetRequest::Kind::ses && request.groups.a.empty()) add(plan.ses_sets, request.set);
    if (request.kind == SetRequest::Kind::esft) add(plan.esft_sets, request.set);
    if (request.kind == SetRequest::Kind::safety_group || request.groups.a.empty()) continue;
    if (std::ranges::find(plan.groups, request.groups) == plan.groups.end())
      plan.groups.push_back(request.groups);
    auto const* criterion = contrast::find(request.criterion);
    if (criterion != nullptr && std::ranges::find(plan.criteria, criterion) == plan.criteria.end())
      plan.criteria.push_back(criterion);
  }
  if (plan.contrast_stability) {
    auto const* criterion = contrast::find(plan.contrast_stability->score);
    if (std::ranges::find(plan.criteria, criterion) == plan.criteria.end())
      plan.criteria.push_back(criterion);
  }
  for (auto const& names : {plan.ses_sets, plan.esft_sets})
    for (auto const& name : names) add(plan.sets, name);
  for (auto const& groups : plan.groups)
    for (auto const& pair : groups.parts()) {
      if (std::ranges::find(plan.pairs, pair) == plan.pairs.end()) plan.pairs.push_back(pair);
      for (auto const& name : {pair.a, pair.b}) add(plan.sets, name);
    }
  for (auto* names : {&plan.ses_sets, &plan.esft_sets, &plan.sets}) std::ranges::sort(*names);
}

}  // namespace

ReducePlan plan_reduce(ReduceOptions const& options, Corpus const& corpus,
                       std::vector<std::string> const& recorded, bool has_routing) {
  ReducePlan plan;
  plan.seed = options.seed;
  ConfigFaults faults;
  KnownSets known(corpus, recorded, faults);
  plan_stability(options.ses, plan, faults);
  auto const& [clusters, controls, memory] = options.reduce;
  if (clusters < 0 || controls < 0 || controls > 10'000 || memory < 1 || memory > (std::int64_t{1} << 24))
    faults.add("reduce.clusters = {}, controls = {}, memory = {}: from 0, 0 to 10,000, 1 to 16,777,216 MiB",
               clusters, controls, memory);
  plan.clusters = clusters;
  plan.controls = controls;
  plan.bytes = static_cast<std::size_t>(memory) << 20;
  faults.collect([&] {
    plan.ses_positions = options.ses.positions.empty()
                             ? parse_positions("contrast.positions", options.contrast.positions)
                             : parse_positions("ses.positions", options.ses.positions);
  });
  faults.collect([&] { plan.positions = parse_positions("contrast.positions", options.contrast.positions); });
  plan_ses(options.ses, plan, known, faults);
  plan_contrasts(options.contrast, plan, known, faults);
  plan_selects(options.select, plan, known, faults);
  faults.raise();
  widen_by_requests(plan);
  auto const named = [&](PlannedContrast const& contrast) {
    auto const name = contrast.criterion->name;
    if (std::ranges::find(options.contrast.criteria, name) != options.contrast.criteria.end()) return true;
    if (plan.contrast_stability && plan.contrast_stability->score == name) return true;
    return std::ranges::any_of(plan.requests, [&](SetRequest const& request) {
      auto const pairs = request.groups.parts();
      return request.criterion == name && std::ranges::find(pairs, contrast.pair) != pairs.end();
    });
  };
  plan.passes = plan_passes({corpus, has_routing, {{}, {}, plan.clusters, plan.seed}}, plan.criteria, named,
                            plan.pairs, plan.positions, faults, plan.left_out);
  faults.raise();
  if (options.select.empty()) plan.requests = default_requests(plan, options.contrast.count);
  return plan;
}

nlohmann::ordered_json resolved_inputs(ReduceOptions const& options) {
  nlohmann::ordered_json resolved = nlohmann::ordered_json::object();
  if (options.ses.positions.empty()) resolved["ses.positions"] = options.contrast.positions;
  if (options.contrast.criteria.empty() && !options.contrast.groups.empty())
    resolved["contrast.criteria"] = contrast_criteria();
  return resolved;
}

}  // namespace moerae
