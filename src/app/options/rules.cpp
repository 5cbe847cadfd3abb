#include "app/options/rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "moerae/reduce/names.hpp"
#include "moerae/reduce/plan/check_options.hpp"

namespace moerae {

void resolve(Study& study, GivenKeys const& given) {
  if (study.ses.preset == "paper") {
    if (!given.origin.contains("ses.resample")) study.ses.resample = Resampling::bootstrap;
    if (!given.origin.contains("ses.threshold")) study.ses.threshold = 1;
  }
  if (study.evaluate.preset == "paper") {
    if (!given.origin.contains("evaluate.phase")) study.evaluate.phase = Phase::response;
    if (!given.origin.contains("evaluate.conditions"))
      study.evaluate.conditions = {parse_condition("mask:hcdg"), parse_condition("mask:hrcg")};
  }
  if (study.contrast.groups.size() != 1) return;
  for (auto& select : study.select)
    if (!select.groups &&
        std::ranges::find(contrast_criteria(), select.criterion) != contrast_criteria().end())
      select.groups = study.contrast.groups.front();
}

void check_rules(Study const& study, Faults& faults) {
  if (!study.run.from.empty() && study.run.from == study.run.dir)
    faults.add({"run.from", "run.dir"},
               "run.from is run.dir itself; leave it out to reduce the run's own record");
  for (auto const& [key, positions] : {std::pair("contrast.positions", &study.contrast.positions),
                                       std::pair("ses.positions", &study.ses.positions)})
    if (*positions == "last" && !study.record.routing)
      faults.add({"record.routing", key},
                 "{} = last reads recorded routing, but record.routing = false keeps none", key);
  if (study.evaluate.preset == "paper") {
    if (study.evaluate.phase != Phase::response)
      faults.add(
          {"evaluate.phase", "evaluate.preset"},
          "evaluate.phase: contradicts evaluate.preset = paper, whose masks act in decoding only (response); "
          "remove one of them");
    bool const of_groups = std::ranges::any_of(
        study.evaluate.conditions, [](auto const& spec) { return spec.set == "hcdg" || spec.set == "hrcg"; });
    if (of_groups && study.ses.regular.empty())
      faults.add(
          {"evaluate.preset"},
          "evaluate.preset = paper: masks the groups hcdg and hrcg, which `reduce` forms of two prompt sets: "
          "name them in ses.regular and ses.jailbreak");
  }
  if (study.evaluate.routing && study.evaluate.keep == Keep::labels)
    faults.add(
        {"evaluate.routing", "evaluate.keep"},
        "evaluate.routing = true keeps expert ids of every token, from which replies can be rebuilt, but "
        "evaluate.keep = labels is to remove them once they are judged: say evaluate.keep = ids");
  bool const edits = std::ranges::any_of(study.evaluate.conditions,
                                         [](auto const& spec) { return spec.action != Action::none; });
  if (study.evaluate.split == Split::discovery && edits)
    faults.add(
        {"evaluate.split", "evaluate.conditions"},
        "evaluate.split = discovery: experts are selected on it, so what conditions do to it is in-sample; "
        "it is answered under the condition none alone, for groups by outcome (SET@refused): say "
        "evaluate.conditions = none");
  auto const& recorded = study.corpus.sets;
  for (auto const& [key, set] : named_sets(study.for_reduce()))
    if (!recorded.empty() && std::ranges::find(recorded, set) == recorded.end())
      faults.add({key, "corpus.sets"},
                 "{}: the set '{}' is not among corpus.sets = {}, so it would not be recorded", key, set,
                 fmt::join(recorded, ", "));
}

}  // namespace moerae
