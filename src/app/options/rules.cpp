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
  auto const& recorded = study.corpus.sets;
  for (auto const& [key, set] : named_sets(study.for_reduce()))
    if (!recorded.empty() && std::ranges::find(recorded, set) == recorded.end())
      faults.add({key, "corpus.sets"},
                 "{}: the set '{}' is not among corpus.sets = {}, so it would not be recorded", key, set,
                 fmt::join(recorded, ", "));
}

}  // namespace moerae
