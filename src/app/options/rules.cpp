#include "app/options/rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/options/keys.hpp"
#include "moerae/reduce/names.hpp"

namespace moerae {
namespace {

bool contains(std::vector<std::string> const& words, std::string const& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// A contradiction between `keys` (all that take part): reported at the place of the first that the user
/// wrote. Not where one of them is at fault itself: its default would contradict what the user meant.
class Rules {
 public:
  Rules(GivenKeys const& given, StudyFaults& faults) : given_(given), faults_(faults) {}
  void refuse_if(bool broken, std::vector<std::string> const& keys, std::string const& message) {
    if (!broken ||
        std::any_of(keys.begin(), keys.end(), [&](auto& key) { return given_.faulty.contains(key); }))
      return;
    for (auto const& key : keys)
      if (auto const at = given_.origin.find(key); at != given_.origin.end())
        return faults_.add(at->second, message);
    faults_.add("", message);
  }

 private:
  GivenKeys const& given_;
  StudyFaults& faults_;
};

void check_ses(SesOptions const& ses, Rules& rules) {
  rules.refuse_if(!ses.regular.empty() && ses.regular == ses.jailbreak, {"ses.jailbreak", "ses.regular"},
                  fmt::format("ses.regular and ses.jailbreak are both '{}'; HCDG and HRCG compare two sets",
                              ses.regular));
  rules.refuse_if(!ses.benign.empty() && (ses.benign == ses.regular || ses.benign == ses.jailbreak),
                  {"ses.benign", "ses.regular", "ses.jailbreak"},
                  fmt::format("ses.benign = {} is also the harmful set; name a harmless one", ses.benign));
  rules.refuse_if(ses.resample == "complementary" && ses.samples % 2 != 0, {"ses.samples", "ses.resample"},
                  fmt::format("ses.samples = {}: complementary pairs need an even number", ses.samples));
  bool const paper = ses.preset == "paper";
  rules.refuse_if(
      paper && ses.resample != "bootstrap", {"ses.resample", "ses.preset"},
      fmt::format("ses.resample = {} contradicts ses.preset = paper, which resamples by bootstrap; "
                  "remove one of them",
                  ses.resample));
  rules.refuse_if(
      paper && ses.threshold != 1, {"ses.threshold", "ses.preset"},
      fmt::format("ses.threshold = {} contradicts ses.preset = paper, which is the strict intersection "
                  "(threshold 1); remove one of them",
                  ses.threshold));
}

void check_select(SelectOptions const& select, Study const& study, Rules& rules) {
  auto const section = "select." + select.name;
  auto const& criterion = select.criterion;
  bool const contrast = contains(contrast_criteria(), criterion),
             groups = contains(safety_group_criteria(), criterion);
  bool const esft = criterion.starts_with("esft");
  rules.refuse_if(!select.set.empty() && (contrast || groups), {section + ".set", section + ".criterion"},
                  fmt::format("{}.set: {} compares groups and takes no set", section, criterion));
  bool const stable_contrast = criterion == "ses" && study.ses.score != "usage";
  rules.refuse_if(!select.groups.empty() && !contrast && !stable_contrast,
                  {section + ".groups", section + ".criterion"},
                  fmt::format("{}.groups: only contrasts have groups; {} takes {}", section, criterion,
                              groups ? "ses.regular and ses.jailbreak" : "a set"));
  rules.refuse_if(contrast && select.groups.empty(),
                  {section + ".criterion", section + ".groups", "contrast.groups"},
                  fmt::format("{}.groups: required for {}, as contrast.groups does not name exactly one pair",
                              section, criterion));
  rules.refuse_if(groups && (study.ses.regular.empty() || study.ses.jailbreak.empty()),
                  {section + ".criterion", "ses.regular", "ses.jailbreak"},
                  fmt::format("{}.criterion = {} needs ses.regular and ses.jailbreak", section, criterion));
  rules.refuse_if(criterion == "hcdg-minus-benign" && study.ses.benign.empty(),
                  {section + ".criterion", "ses.benign"},
                  fmt::format("{}.criterion = {} needs ses.benign", section, criterion));
  rules.refuse_if(select.count.has_value() + select.p.has_value() + select.threshold.has_value() > 1,
                  {section + ".count", section + ".p", section + ".threshold"},
                  fmt::format("{}: count, p and threshold are alternatives; keep one", section));
  rules.refuse_if(select.p && !esft, {section + ".p"},
                  fmt::format("{}.p: the share p is defined for esft_token and esft_gate, not for {}",
                              section, criterion));
  rules.refuse_if(select.side != "positive" && !contrast, {section + ".side"},
                  fmt::format("{}.side = {}: only contrasts have two sides", section, select.side));
}

/// Every set that a later stage asks for must be among those recorded.
void check_sets(Study const& study, Rules& rules) {
  auto const& recorded = study.corpus.sets;
  if (recorded.empty()) return;
  auto const check = [&](std::string const& key, std::string const& set) {
    rules.refuse_if(!set.empty() && !contains(recorded, set), {key, "corpus.sets"},
                    fmt::format("{}: the set '{}' is not among corpus.sets = {}, so it would not be recorded",
                                key, set, fmt::join(recorded, ", ")));
  };
  check("ses.regular", study.ses.regular);
  check("ses.jailbreak", study.ses.jailbreak);
  check("ses.benign", study.ses.benign);
  for (auto const& set : study.ses.sets) check("ses.sets", set);
  auto const check_groups = [&](std::string const& key, ContrastOptions::Pair const& groups) {
    check(key, groups.a);
    for (auto const& other : groups.others()) check(key, other);
  };
  for (auto const& groups : study.contrast.groups) check_groups("contrast.groups", groups);
  for (auto const& select : study.select) {
    check("select." + select.name + ".set", select.set);
    if (auto const colon = select.groups.find(':'); colon != std::string::npos)
      check_groups("select." + select.name + ".groups",
                   {select.groups.substr(0, colon), select.groups.substr(colon + 1)});
  }
}

}  // namespace

void resolve(Study& study, GivenKeys const& given) {
  if (study.ses.preset == "paper") {
    if (!given.origin.contains("ses.resample")) study.ses.resample = "bootstrap";
    if (!given.origin.contains("ses.threshold")) study.ses.threshold = 1;
  }
  if (study.contrast.groups.size() == 1)
    for (auto& select : study.select)
      if (select.groups.empty() && contains(contrast_criteria(), select.criterion))
        select.groups = study.contrast.groups.front().a + ":" + study.contrast.groups.front().b;
}

void check_rules(Study const& study, GivenKeys const& given, StudyFaults& faults) {
  Rules rules(given, faults);
  rules.refuse_if(!study.run.from.empty() && study.run.from == study.run.dir, {"run.from", "run.dir"},
                  "run.from is run.dir itself; leave it out to reduce the run's own record");
  for (auto const& [key, positions] : {std::pair("contrast.positions", &study.contrast.positions),
                                       std::pair("ses.positions", &study.ses.positions)})
    rules.refuse_if(
        *positions == "last" && !study.record.routing, {"record.routing", key},
        fmt::format("{} = last reads recorded routing, but record.routing = false keeps none", key));
  rules.refuse_if(!study.contrast.criteria.empty() && study.contrast.groups.empty(),
                  {"contrast.criteria", "contrast.groups"},
                  "contrast.criteria without contrast.groups: name the groups as a:b");
  rules.refuse_if(
      study.ses.score != "usage" && study.contrast.groups.empty(), {"ses.score", "contrast.groups"},
      fmt::format("ses.score = {}: compares two sets; name them in contrast.groups as a:b", study.ses.score));
  auto const& within = study.contrast.permute_within;
  rules.refuse_if(within.empty() || (contains(within, "none") && within.size() > 1),
                  {"contrast.permute_within"},
                  "contrast.permute_within: give topic, length or both, or none alone");
  check_ses(study.ses, rules);
  for (auto const& select : study.select) check_select(select, study, rules);
  check_sets(study, rules);
}

}  // namespace moerae
