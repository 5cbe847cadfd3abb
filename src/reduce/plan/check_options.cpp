#include "moerae/reduce/plan/check_options.hpp"

#include <algorithm>
#include <map>

#include "moerae/reduce/names.hpp"
#include "reduce/plan/set_requests.hpp"

namespace moerae {
namespace {

using Kind = CriterionKind;
using Pair = ContrastOptions::Pair;

std::string key_of(SelectOptions const& select, char const* key) {
  return "select." + select.name + "." + key;
}

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
      all.push_back({key_of(select, "groups"), *select.groups});
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

void check_ses(SesOptions const& ses, Faults& faults) {
  auto const& [regular, jailbreak, benign] = std::tie(ses.regular, ses.jailbreak, ses.benign);
  if (regular.empty() != jailbreak.empty())
    faults.add({"ses.regular", "ses.jailbreak"},
               "ses.{} without ses.{}: HCDG and HRCG compare the two; give both or none",
               regular.empty() ? "jailbreak" : "regular", regular.empty() ? "regular" : "jailbreak");
  if (!regular.empty() && regular == jailbreak)
    faults.add({"ses.jailbreak", "ses.regular"},
               "ses.regular and ses.jailbreak are both '{}'; HCDG and HRCG compare two sets", regular);
  if (!benign.empty() && (benign == regular || benign == jailbreak))
    faults.add({"ses.benign", "ses.regular", "ses.jailbreak"},
               "ses.benign = {} is also the harmful set; name a harmless one", benign);
  if (ses.resample == Resampling::complementary && ses.samples % 2 != 0)
    faults.add({"ses.samples", "ses.resample"}, "ses.samples = {}: complementary pairs need an even number",
               ses.samples);
  if (ses.preset != "paper") return;
  if (ses.resample != Resampling::bootstrap)
    faults.add(
        {"ses.resample", "ses.preset"},
        "ses.resample = {} contradicts ses.preset = paper, which resamples by bootstrap; remove one of them",
        word_of(resampling_words, ses.resample));
  if (ses.threshold != 1)
    faults.add(
        {"ses.threshold", "ses.preset"},
        "ses.threshold = {} contradicts ses.preset = paper, which is the strict intersection (threshold 1); "
        "remove one of them",
        ses.threshold);
}

void check_contrast(ReduceOptions const& options, Faults& faults) {
  auto const& contrast = options.contrast;
  if (contrast.groups.empty() && !contrast.criteria.empty())
    faults.add({"contrast.criteria", "contrast.groups"},
               "contrast.criteria without contrast.groups: name the groups as a:b");
  if (contrast.groups.empty() && options.ses.score != "usage")
    faults.add({"ses.score", "contrast.groups"},
               "ses.score = {}: compares two sets; name them in contrast.groups as a:b", options.ses.score);
  auto const& within = contrast.permute_within;
  bool const none = std::ranges::find(within, "none") != within.end();
  if (within.empty() || (none && within.size() > 1))
    faults.add({"contrast.permute_within"},
               "contrast.permute_within: give topic, length or both, or none alone");
}

// How much is taken: at most one of the three, and one that the criterion understands.
void check_amount(SelectOptions const& select, Kind kind, Faults& faults) {
  auto const key = [&](char const* name) { return key_of(select, name); };
  if (select.count.has_value() + select.p.has_value() + select.threshold.has_value() > 1)
    faults.add({key("count"), key("p"), key("threshold")},
               "select.{}: count, p and threshold are alternatives; keep one", select.name);
  if (select.p && kind != Kind::esft)
    faults.add({key("p"), key("criterion")},
               "{}: the share p is defined for esft_token and esft_gate, not for {}; give count or threshold",
               key("p"), select.criterion);
  if (kind == Kind::contrast && !select.count && !select.threshold)
    faults.add({key("criterion"), key("count"), key("threshold"), key("p")},
               "select.{}: {} scores every expert; say by count or threshold how many are meant", select.name,
               select.criterion);
}

// Which prompts are looked at.
void check_prompts(SelectOptions const& select, ReduceOptions const& options, Kind kind, Faults& faults) {
  auto const key = [&](char const* name) { return key_of(select, name); };
  auto const& [ses, criterion] = std::tie(options.ses, select.criterion);
  bool const contrast = kind == Kind::contrast, group = kind == Kind::safety_group;
  if (!select.set.empty() && (contrast || group))
    faults.add({key("set"), key("criterion")}, "{}: {} compares groups and takes no set; use {}", key("set"),
               criterion, contrast ? "groups = a:b" : "ses.regular and ses.jailbreak");
  if (contrast && !select.groups)
    faults.add({key("criterion"), key("groups"), "contrast.groups"},
               "{}: required for {}, as contrast.groups does not name exactly one pair", key("groups"),
               criterion);
  if (select.groups && (group || kind == Kind::esft))
    faults.add({key("groups"), key("criterion")}, "{}: only contrasts have groups; {} takes {}",
               key("groups"), criterion, group ? "ses.regular and ses.jailbreak" : "a set");
  if (select.groups && kind == Kind::ses) {
    if (ses.score == "usage")
      faults.add(
          {key("groups"), key("criterion"), "ses.score"},
          "{}: only contrasts have groups, and ses.score is usage; give a set, or let ses.score name a "
          "contrast",
          key("groups"));
    if (!select.set.empty())
      faults.add({key("groups"), key("set")}, "select.{}: set and groups exclude each other; keep one",
                 select.name);
    if (select.groups->several())
      faults.add({key("groups"), key("criterion")},
                 "{} = {}: a selection frequency is of two sets; name one pair a:b", key("groups"),
                 select.groups->text());
  }
  if (group && (ses.regular.empty() || ses.jailbreak.empty()))
    faults.add({key("criterion"), "ses.regular", "ses.jailbreak"},
               "{} = {} needs ses.regular and ses.jailbreak", key("criterion"), criterion);
  if (criterion == "hcdg-minus-benign" && ses.benign.empty())
    faults.add({key("criterion"), "ses.benign"}, "{} = {} needs ses.benign", key("criterion"), criterion);
}

void check_side(SelectOptions const& select, Kind kind, Faults& faults) {
  if (select.side == store::Side::positive) return;
  auto const key = key_of(select, "side");
  if (kind != Kind::contrast)
    faults.add({key, key_of(select, "criterion")}, "{} = {}: only contrasts have two sides", key,
               word_of(store::side_words, select.side));
  else if (select.groups && select.groups->several())
    faults.add({key, key_of(select, "groups")},
               "{} = {}: {} asks for more in the first set than in each other; only positive has a meaning",
               key, word_of(store::side_words, select.side), select.groups->text());
}

}  // namespace

std::vector<NamedSet> named_sets(ReduceOptions const& options) {
  std::vector<NamedSet> all{{"ses.regular", options.ses.regular},
                            {"ses.jailbreak", options.ses.jailbreak},
                            {"ses.benign", options.ses.benign}};
  for (auto const& set : options.ses.sets) all.push_back({"ses.sets", set});
  for (auto const& [key, pair] : named_pairs(options)) {
    all.push_back({key, pair.a});
    for (auto const& other : pair.others()) all.push_back({key, other});
  }
  for (auto const& select : options.select) all.push_back({key_of(select, "set"), select.set});
  std::erase_if(all, [](auto const& named) { return named.set.empty(); });
  return all;
}

void check_options(ReduceOptions const& options, Faults& faults) {
  check_names(options, faults);
  check_ses(options.ses, faults);
  check_contrast(options, faults);
  for (auto const& select : options.select) {
    auto const kind = kind_of(select.criterion);
    check_prompts(select, options, kind, faults);
    check_amount(select, kind, faults);
    check_side(select, kind, faults);
  }
}

}  // namespace moerae
