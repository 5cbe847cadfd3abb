#include <spdlog/spdlog.h>

#include <algorithm>

#include "reduce/esft.hpp"
#include "reduce/results/append.hpp"
#include "reduce/results/score.hpp"
#include "reduce/results/stability_facts.hpp"
#include "reduce/stability/groups.hpp"
#include "reduce/stability/stability_stream.hpp"

namespace moerae {
namespace {

using Json = nlohmann::ordered_json;

void append_totals(UsageTotals& all, UsageTotals const& part) {
  all.tokens = part.tokens;
  append(all.count, part.count);
  append(all.mass, part.mass);
}

void add_esft(ReducePlan const& plan, Scores& scores) {
  for (auto const& criterion : esft_criteria())
    for (auto const& set : plan.esft_sets) {
      auto const& total = scores.sets.at(set).total;
      Score row{std::string(criterion.name), set, plan.ses_positions.name,
                criterion.score(scores.space, total)};
      for (auto const units : criterion.units(scores.space, total))
        row.chosen_by.push_back(static_cast<double>(units) / static_cast<double>(esft_scale));
      row.stored = "esft/" + set + "/" + std::string(criterion.dataset);
      scores.rows.push_back(std::move(row));
    }
}

Json floor_of(std::string const& group, std::vector<NoiseFloor> const& floors, std::string const& benign) {
  auto const at = std::ranges::find(floors, group, &NoiseFloor::group);
  if (at == floors.end())
    return {{"missing", benign.empty() ? "ses.benign names no set" : "fewer than 4 benign clusters"}};
  return {{"benign", benign}, {"splits", at->sizes.size()}, {"sizes", at->sizes}, {"mean", at->mean()}};
}

void add_groups(ReducePlan const& plan, std::vector<NoiseFloor> const& floors, Scores& scores) {
  auto const of = [&](std::string const& set) -> Stability const& {
    return *scores.at("ses", set).frequency;
  };
  auto const* benign = plan.benign.empty() ? nullptr : &of(plan.benign);
  for (auto& group : form_groups(of(plan.regular), of(plan.jailbreak), benign)) {
    Score row{group.name, versus({plan.regular, plan.jailbreak}), plan.ses_positions.name,
              std::move(group.score)};
    row.members = std::move(group.members);
    row.only_members = true;
    row.rule = rule_of(of(plan.regular));
    for (auto const& set : {plan.regular, plan.jailbreak}) row.evidence["bounds_" + set] = bounds_of(of(set));
    row.evidence["noise_floor"] = floor_of(group.name, floors, plan.benign);
    scores.rows.push_back(std::move(row));
  }
}

}  // namespace

void add_usage_scores(mpi::Comm const& comm, ReducePlan const& plan, CheckedRecord const& record,
                      Scores& scores) {
  UsageStream usage(
      comm, record,
      {.usage = {plan.sets, plan.ses_positions, plan.clusters, plan.seed}, .tile_bytes = plan.bytes});
  for (auto const& facts : usage.facts()) scores.sets.emplace(facts.name, SetUse{facts});
  std::map<std::string, StabilityStream> streams;
  for (auto const& set : plan.ses_sets)
    streams.try_emplace(set, comm, scores.space, plan.stability, plan.seed, "resampling " + set,
                        plan.bytes / (2 * plan.ses_sets.size()));
  std::optional<NoiseFloorStream> floor;
  if (!plan.regular.empty() && !plan.benign.empty())
    floor.emplace(comm, scores.space, plan.stability, plan.seed, plan.bytes);
  usage.each([&](UsageTile const& tile) {
    for (auto const& table : tile.tables) append_totals(scores.sets.at(table.name).total, totals(table));
    for (auto& [set, stream] : streams) {
      stream.add(tile.of(set));
      auto const [low, high] = usage_interval(tile.of(set));
      append(scores.sets.at(set).interval.low, low);
      append(scores.sets.at(set).interval.high, high);
    }
    if (floor) floor->add(tile.of(plan.benign));
  });
  for (auto& [set, stream] : streams)
    scores.rows.push_back(frequency_score(set, plan.ses_positions.name, stream.finish()));
  add_esft(plan, scores);
  if (plan.regular.empty()) return;
  std::vector<NoiseFloor> floors;
  if (floor) floors = floor->finish(*scores.at("ses", plan.benign).frequency);
  if (floor && floors.empty() && comm.rank() == 0)
    spdlog::warn("no noise floor: the benign set {} has fewer than 4 clusters in the discovery split",
                 plan.benign);
  add_groups(plan, floors, scores);
}

}  // namespace moerae
