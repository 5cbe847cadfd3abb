#include "moerae/reduce/plan/check_options.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "moerae/reduce/names.hpp"
#include "reduce/plan/set_requests.hpp"

namespace moerae {
namespace {

using Pair = ContrastOptions::Pair;

/// A comparison that the options name.
struct NamedPair {
  std::string key;
  Pair pair;
};
std::vector<NamedPair> named_pairs(ReduceOptions const& options) {
  std::vector<NamedPair> all;
  for (auto const& pair : options.contrast.groups) all.push_back({"contrast.groups", pair});
  for (auto const& select : options.select)
    if (select.groups && std::ranges::find(all, *select.groups, &NamedPair::pair) == all.end())
      all.push_back({"select." + select.name + ".groups", *select.groups});
  return all;
}

// Names of sets and comparisons are those of files and of what is in them.
void check_names(ReduceOptions const& options, Faults& faults) {
  for (auto const& [key, set] : named_sets(options))
    if (!can_name_a_file(set))
      faults.add({key}, "{}: '{}' becomes part of file names and of conditions; {}", key, set,
                 file_name_rule);
  std::map<std::string, Pair> named;
  for (auto const& [key, asked] : named_pairs(options)) {
    auto pairs = asked.parts();
    if (asked.several()) pairs.push_back(asked);
    for (auto const& pair : pairs)
      if (auto const [first, fresh] = named.emplace(versus(pair), pair); !fresh && first->second != pair)
        faults.add({key}, "{}: {} and {} have the same name in files, {}; rename a set", key,
                   first->second.text(), pair.text(), first->first);
  }
}

/// Rules of a section. A fault names its first key, and is found where the first of its keys is given.
class Rules {
 public:
  Rules(std::string section, Faults& faults) : section_(std::move(section)), faults_(faults) {}
  /// `keys`: all that take part; those without a dot are of the section.
  void refuse_if(bool broken, std::vector<std::string> keys, std::string const& why) {
    if (!broken) return;
    for (auto& key : keys)
      if (key.find('.') == std::string::npos) key = section_ + "." + key;
    faults_.add(keys, "{}: {}", keys.front(), why);
  }

 private:
  std::string section_;
  Faults& faults_;
};

void check_ses(SesOptions const& ses, Rules rules) {
  rules.refuse_if(ses.regular.empty() != ses.jailbreak.empty(), {"regular", "jailbreak"},
                  "HCDG and HRCG compare it with ses.jailbreak; give both or none");
  rules.refuse_if(!ses.regular.empty() && ses.regular == ses.jailbreak, {"jailbreak", "regular"},
                  fmt::format("'{}' is also ses.regular; HCDG and HRCG compare two sets", ses.jailbreak));
  rules.refuse_if(!ses.benign.empty() && (ses.benign == ses.regular || ses.benign == ses.jailbreak),
                  {"benign", "regular", "jailbreak"},
                  fmt::format("'{}' is also the harmful set; name a harmless one", ses.benign));
  rules.refuse_if(ses.resample == Resampling::complementary && ses.samples % 2 != 0, {"samples", "resample"},
                  fmt::format("{} is odd, and complementary pairs count as two", ses.samples));
  bool const paper = ses.preset == "paper";
  rules.refuse_if(paper && ses.resample != Resampling::bootstrap, {"resample", "preset"},
                  "contradicts ses.preset = paper, which resamples by bootstrap; remove one of them");
  rules.refuse_if(
      paper && ses.threshold != 1, {"threshold", "preset"},
      "contradicts ses.preset = paper, which is the strict intersection (threshold 1); remove one "
      "of them");
}

void check_contrast(ReduceOptions const& options, Rules rules) {
  auto const& [criteria, groups, within, score] = std::tie(
      options.contrast.criteria, options.contrast.groups, options.contrast.permute_within, options.ses.score);
  rules.refuse_if(groups.empty() && !criteria.empty(), {"criteria", "groups"},
                  "compare two sets; name them in contrast.groups as a:b");
  rules.refuse_if(groups.empty() && score != "usage", {"ses.score", "groups"},
                  fmt::format("{} compares two sets; name them in contrast.groups as a:b", score));
  bool const none = std::ranges::find(within, "none") != within.end();
  rules.refuse_if(within.empty() || (none && within.size() > 1), {"permute_within"},
                  "give topic, length or both, or none alone");
}

void check_select(SelectOptions const& select, ReduceOptions const& options, Rules rules) {
  auto const& [ses, criterion, groups] = std::tie(options.ses, select.criterion, select.groups);
  auto const kind = kind_of(criterion);
  bool const esft = kind == CriterionKind::esft, contrast = kind == CriterionKind::contrast,
             group = kind == CriterionKind::safety_group, stable = kind == CriterionKind::ses && groups;
  // which prompts are looked at
  rules.refuse_if(!select.set.empty() && (contrast || group), {"set", "criterion"},
                  fmt::format("{} compares groups and takes no set; use {}", criterion,
                              contrast ? "groups = a:b" : "ses.regular and ses.jailbreak"));
  rules.refuse_if(
      contrast && !groups, {"groups", "criterion", "contrast.groups"},
      fmt::format("required for {}, as contrast.groups does not name exactly one pair", criterion));
  rules.refuse_if(groups && (group || esft), {"groups", "criterion"},
                  fmt::format("only contrasts have groups; {} takes {}", criterion,
                              group ? "ses.regular and ses.jailbreak" : "a set"));
  rules.refuse_if(
      stable && ses.score == "usage", {"groups", "criterion", "ses.score"},
      "only contrasts have groups, and ses.score is usage; give a set, or let ses.score name a contrast");
  rules.refuse_if(stable && !select.set.empty(), {"set", "groups"}, "excludes groups; keep one");
  rules.refuse_if(stable && groups->several(), {"groups", "criterion"},
                  "a selection frequency is of two sets; name one pair a:b");
  rules.refuse_if(group && (ses.regular.empty() || ses.jailbreak.empty()),
                  {"criterion", "ses.regular", "ses.jailbreak"},
                  fmt::format("{} needs ses.regular and ses.jailbreak", criterion));
  rules.refuse_if(criterion == "hcdg-minus-benign" && ses.benign.empty(), {"criterion", "ses.benign"},
                  fmt::format("{} needs ses.benign", criterion));
  // how much is taken of them, of which side
  rules.refuse_if(select.count.has_value() + select.p.has_value() + select.threshold.has_value() > 1,
                  {"count", "p", "threshold"}, "count, p and threshold are alternatives; keep one");
  rules.refuse_if(
      select.p && !esft, {"p", "criterion"},
      fmt::format("the share p is defined for esft_token and esft_gate, not for {}; give count or "
                  "threshold",
                  criterion));
  rules.refuse_if(
      contrast && !select.count && !select.threshold, {"count", "threshold", "p", "criterion"},
      fmt::format("{} scores every expert; say by count or threshold how many are meant", criterion));
  bool const sides = select.side != store::Side::positive;
  rules.refuse_if(sides && !contrast, {"side", "criterion"}, "only contrasts have two sides");
  rules.refuse_if(sides && contrast && groups && groups->several(), {"side", "groups"},
                  "of more than two sets only positive has a meaning: more in the first than in each other");
}

}  // namespace

std::vector<NamedSet> named_sets(ReduceOptions const& options) {
  std::vector<NamedSet> all{{"ses.regular", options.ses.regular},
                            {"ses.jailbreak", options.ses.jailbreak},
                            {"ses.benign", options.ses.benign}};
  for (auto const& set : options.ses.sets) all.push_back({"ses.sets", set});
  for (auto const& [key, pair] : named_pairs(options)) {
    all.push_back({key, PromptGroup::named(pair.a).set});
    for (auto const& other : pair.others()) all.push_back({key, PromptGroup::named(other).set});
  }
  for (auto const& select : options.select) all.push_back({"select." + select.name + ".set", select.set});
  std::erase_if(all, [](auto const& named) { return named.set.empty(); });
  return all;
}

std::vector<std::string> sets_by_outcome(ReduceOptions const& options) {
  std::set<std::string> found;
  for (auto const& [key, pairs] : named_pairs(options))
    for (auto const& pair : pairs.parts())
      for (auto const& name : {pair.a, pair.b})
        if (auto const group = PromptGroup::named(name); !group.outcome.empty()) found.insert(group.set);
  return {found.begin(), found.end()};
}

void check_options(ReduceOptions const& options, Faults& faults) {
  check_names(options, faults);
  check_ses(options.ses, {"ses", faults});
  check_contrast(options, {"contrast", faults});
  for (auto const& select : options.select) check_select(select, options, {"select." + select.name, faults});
}

}  // namespace moerae
