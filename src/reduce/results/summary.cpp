#include "reduce/results/summary.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace moerae {

void print_summary(ReducePlan const& plan, Scores const& scores, std::vector<store::ExpertSet> const& sets) {
  std::size_t clusters = 0;
  for (auto const& [name, use] : scores.sets) clusters += use.facts.clusters.size();
  spdlog::info("{} layers of {} experts, top-{}; {} clusters of {} prompt sets, discovery split (IN-SAMPLE)",
               scores.space.layers.size(), scores.space.experts, scores.space.top_k, clusters,
               scores.sets.size());
  auto const number = [&](auto const& which) { return std::ranges::count_if(scores.rows, which); };
  spdlog::info("{} selection frequencies, {} contrasts, {} of them tested{}",
               number([](Score const& row) { return row.frequency != nullptr; }), number(&Score::signs),
               number([](Score const& row) { return row.significance && row.significance->refused.empty(); }),
               plan.left_out.empty() ? "" : fmt::format("; left out: {}", fmt::join(plan.left_out, "; ")));
  if (!scores.supers.empty()) {
    auto const width = static_cast<std::size_t>(scores.space.experts);
    std::string named;
    for (auto const e : scores.supers)
      named +=
          fmt::format("{}({}, {})", named.empty() ? "" : ", ", scores.space.layers[e / width], e % width);
    spdlog::info("super experts (layer, expert), in no control: {}; masking one damages the model itself",
                 named);
  }
  auto const empty = std::ranges::count_if(sets, [](auto const& set) { return set.experts.empty(); });
  spdlog::info("{} expert sets, {} of them empty; `python -m moerae report` shows what was found",
               sets.size(), empty);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    auto const asked = plan.requests[i].count;
    if (asked && static_cast<std::size_t>(*asked) > sets[i].experts.size())
      spdlog::warn("set {}: only {} of the {} experts asked for qualify", sets[i].name,
                   sets[i].experts.size(), *asked);
  }
}

}  // namespace moerae
