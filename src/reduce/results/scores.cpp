#include "reduce/results/scores.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "moerae/base/check.hpp"
#include "reduce/esft.hpp"
#include "reduce/stability/stability_stream.hpp"

namespace moerae {
namespace {

void append(std::vector<double>& all, std::vector<double> const& part) {
  all.insert(all.end(), part.begin(), part.end());
}

void append(UsageInterval& all, UsageInterval const& part) {
  append(all.low, part.low);
  append(all.high, part.high);
}

void append(UsageTotals& all, UsageTotals const& part) {
  all.tokens = part.tokens;
  all.count.insert(all.count.end(), part.count.begin(), part.count.end());
  all.mass.insert(all.mass.end(), part.mass.begin(), part.mass.end());
}

// What needs usage of the sets: totals, their intervals, selection frequencies.
void add_usage(mpi::Comm const& comm, ReducePlan const& plan, UsageStream& usage, Scores& scores) {
  std::map<std::string, StabilityStream> streams;
  for (auto const& set : plan.ses_sets)
    streams.try_emplace(set, comm, scores.space, plan.stability, plan.seed, "resampling " + set,
                        plan.bytes / (2 * plan.ses_sets.size()));
  std::optional<NoiseFloorStream> floor;
  if (!plan.regular.empty() && !plan.benign.empty())
    floor.emplace(comm, scores.space, plan.stability, plan.seed);
  usage.each([&](UsageTile const& tile) {
    for (auto const& table : tile.tables) append(scores.totals[table.name], totals(table));
    for (auto& [set, stream] : streams) {
      stream.add(tile.of(set));
      append(scores.intervals[set], usage_interval(tile.of(set)));
    }
    if (floor) floor->add(tile.of(plan.benign));
  });
  for (auto& [set, stream] : streams) scores.ses.emplace(set, stream.finish());
  if (plan.regular.empty()) return;
  auto const* benign = plan.benign.empty() ? nullptr : &scores.ses.at(plan.benign);
  scores.groups = form_groups(scores.ses.at(plan.regular), scores.ses.at(plan.jailbreak), benign);
  if (floor) scores.floors = floor->finish(*benign);
  if (floor && scores.floors.empty() && comm.rank() == 0)
    spdlog::warn("no noise floor: the benign set {} has fewer than 4 clusters in the discovery split",
                 plan.benign);
}

}  // namespace

Scores compute_scores(mpi::Comm const& comm, ReducePlan const& plan, CheckedRecord const& record) {
  Scores scores;
  scores.space = record.space;
  scores.model_id = record.model_id;
  {
    UsageStream usage(
        comm, record,
        {.usage = {plan.sets, plan.ses_positions, plan.clusters, plan.seed}, .tile_bytes = plan.bytes});
    scores.facts = usage.facts();
    add_usage(comm, plan, usage, scores);
    for (auto const& set : plan.ses_sets) scores.usage[set] = activation_probability(scores.totals.at(set));
    for (auto const& set : plan.esft_sets) {
      auto const& total = scores.totals.at(set);
      scores.esft[set] = {find_esft("esft_token")->score(scores.space, total),
                          find_esft("esft_gate")->score(scores.space, total)};
    }
  }
  add_contrasts(comm, plan, record, scores);
  return scores;
}

}  // namespace moerae
