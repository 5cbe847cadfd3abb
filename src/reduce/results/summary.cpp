#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "reduce/bounds/stability_bounds.hpp"
#include "reduce/results/results.hpp"

namespace moerae {
namespace {

std::string best_of(store::ExpertSet const& set, std::size_t n) {
  std::string text;
  for (std::size_t i = 0; i < std::min(n, set.experts.size()); ++i) {
    auto const& e = set.experts[i];
    text += fmt::format("{}{}:{} ({:.3f})", i == 0 ? "" : " ", e.layer.value, e.expert.value, e.score);
  }
  return text + (set.experts.size() > n ? " ..." : "");
}

std::string test_line(Significance const& test) {
  if (!test.refused.empty()) return "no test: " + test.refused;
  auto const found = [](std::vector<double> const& p) {
    return std::ranges::count_if(p, [](double x) { return x <= .05; });
  };
  return fmt::format(
      "{} experts at adjusted p <= .05, {} at q <= .05; {} of {} clusters can move, {} pairs, smallest p "
      "{:.2g}",
      found(test.p_adjusted), found(test.q), test.movable, test.units, test.pairs, test.smallest_p);
}

}  // namespace

void print_summary(ReducePlan const& plan, Scores const& scores, std::vector<store::ExpertSet> const& sets) {
  spdlog::info("{} layers of {} experts, top-{}; positions {}; discovery split (IN-SAMPLE)",
               scores.space.layers.size(), scores.space.experts, scores.space.top_k, plan.ses_positions.name);
  spdlog::info("{:<28} {:>8} {:>9} {:>9}", "prompt set", "prompts", "clusters", "tokens");
  for (auto const& table : scores.facts)
    spdlog::info("{:<28} {:>8} {:>9} {:>9}", table.name, table.prompts, table.clusters.size(),
                 std::accumulate(table.tokens.begin(), table.tokens.end(), std::int64_t{0}));
  for (auto const& [name, score] : scores.contrasts) {
    auto const& layers = score.divergence;
    if (layers.empty()) continue;
    spdlog::info("{} {}: mean {:.6f}, largest {:.6f} nats over {} layers", name.first, name.second,
                 std::accumulate(layers.begin(), layers.end(), 0.0) / static_cast<double>(layers.size()),
                 std::ranges::max(layers), layers.size());
  }
  for (auto const& text : plan.left_out) spdlog::info("left out: {}", text);
  for (auto const& [comparison, table] : scores.topics) {
    spdlog::info("topic and behaviour, {} (differences are associated, not causes)", comparison);
    for (auto const& line : describe(table)) spdlog::info("  {}", line);
  }
  std::map<std::pair<std::string, std::string>, Significance const*> tests;  // several criteria share one
  for (auto const& [name, contrast] : scores.contrasts)
    if (contrast.significance)
      tests[{name.second, contrast.significance->statistic}] = contrast.significance.get();
  for (auto const& [name, test] : tests)
    spdlog::info("{}, {}: {}", name.first, name.second, test_line(*test));
  for (auto const& [comparison, rows] : scores.replication) {
    spdlog::info("replication in halves of the clusters, {}", comparison);
    for (auto const& row : rows) spdlog::info("  {}", describe(row));
  }
  for (auto const& [set, stability] : scores.ses)
    spdlog::info("ses {}: {}", set, bound_statement(stability, plan.meinshausen_buhlmann).sentence);
  spdlog::info("{:<36} {:>7}  {}", "expert set", "experts", "best, layer:expert (score)");
  for (std::size_t i = 0; i < sets.size(); ++i) {
    auto const& set = sets[i];
    spdlog::info("{:<36} {:>7}  {}", set.name, set.experts.size(), best_of(set, 4));
    auto const floor = std::ranges::find(scores.floors, set.criterion, &NoiseFloor::group);
    if (floor != scores.floors.end())
      spdlog::info("{:<36} {:>7.1f}  noise floor: halves of {} give {} on average, at most {}", "",
                   floor->mean(), plan.benign, floor->mean(), floor->largest());
    if (auto const found = set.evidence.find("true_discoveries"); found != set.evidence.end())
      spdlog::info("{:<36} {:>7}  at least {} of them differ between the groups (95 % for all sets at once)",
                   "", "", found->at("at_least").get<std::size_t>());
    if (!set.controls.empty())
      spdlog::info("{:<36} {:>7}  {} of {} controls match in all totals", "", "",
                   std::ranges::count(set.controls, true, &store::ControlSet::matched), set.controls.size());
    auto const asked = plan.requests[i].count;
    if (asked && static_cast<std::size_t>(*asked) > set.experts.size())
      spdlog::warn("set {}: only {} of the {} experts asked for qualify", set.name, set.experts.size(),
                   *asked);
  }
}

}  // namespace moerae
