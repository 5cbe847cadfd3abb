#include "moerae/reduce/scores.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/reduce/esft.hpp"

namespace moerae {
namespace {

void append(UsageTotals& all, UsageTotals const& part) {
  all.tokens = part.tokens;
  all.count.insert(all.count.end(), part.count.begin(), part.count.end());
  all.mass.insert(all.mass.end(), part.mass.begin(), part.mass.end());
}

void add_stability(mpi::Comm const& comm, ReducePlan const& plan, UsageStream& usage, Scores& scores) {
  expect(usage.tiles() == 1, "stability selection takes the whole model");
  usage.each([&](UsageTile const& tile) {
    for (auto const& set : plan.ses_sets)
      scores.ses.emplace(
          set, stability_selection(comm, tile.of(set), plan.stability, plan.seed, "resampling " + set));
    if (plan.regular.empty()) return;
    auto const* benign = plan.benign.empty() ? nullptr : &scores.ses.at(plan.benign);
    scores.groups = form_groups(scores.ses.at(plan.regular), scores.ses.at(plan.jailbreak), benign);
    if (benign == nullptr) return;
    auto const& table = tile.of(plan.benign);
    scores.floors = noise_floor(comm, table, *benign, plan.seed);
    if (scores.floors.empty() && comm.rank() == 0)
      spdlog::warn(
          "no noise floor: the benign set {} has {} clusters in the discovery split, its halves need 2 each",
          plan.benign, table.clusters.size());
  });
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
    usage.each([&](UsageTile const& tile) {
      for (auto const& table : tile.tables) append(scores.totals[table.name], totals(table));
    });
    for (auto const& set : plan.ses_sets) scores.usage[set] = activation_probability(scores.totals.at(set));
    for (auto const& set : plan.esft_sets) {
      auto const& total = scores.totals.at(set);
      scores.esft[set] = {find_esft("esft_token")->score(scores.space, total),
                          find_esft("esft_gate")->score(scores.space, total)};
    }
    add_stability(comm, plan, usage, scores);
  }
  add_contrasts(comm, plan, record, scores);
  return scores;
}

}  // namespace moerae
