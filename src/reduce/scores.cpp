#include "moerae/reduce/scores.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/reduce/esft.hpp"

namespace moerae {
namespace {

void add_groups(mpi::Comm const& comm, ReducePlan const& plan, std::vector<UsageTable> const& tables,
                Scores& scores) {
  if (plan.regular.empty()) return;
  auto const* benign = plan.benign.empty() ? nullptr : &scores.ses.at(plan.benign);
  scores.groups = form_groups(scores.ses.at(plan.regular), scores.ses.at(plan.jailbreak), benign);
  if (benign == nullptr) return;
  auto const& table = *std::ranges::find(tables, plan.benign, &UsageTable::name);
  scores.floors = noise_floor(comm, table, *benign, plan.seed);
  if (scores.floors.empty() && comm.rank() == 0)
    spdlog::warn(
        "no noise floor: the benign set {} has {} clusters in the discovery split, its halves need 2 each",
        plan.benign, table.clusters.size());
}

}  // namespace

std::string versus(ContrastOptions::Pair const& pair) {
  return pair.a + "-vs-" + pair.b;
}

Scores compute_scores(mpi::Comm const& comm, ReducePlan const& plan, std::vector<UsageTable> const& tables) {
  expect(!tables.empty() && tables.size() == plan.sets.size(), "{} tables for {} sets", tables.size(),
         plan.sets.size());
  Scores scores;
  scores.space = tables.front().space;
  std::map<std::string, Group> groups;
  for (auto const& table : tables) groups.emplace(table.name, table);
  for (auto const& set : plan.ses_sets) {
    auto const& group = groups.at(set);
    scores.usage[set] = activation_probability(group.total);
    scores.ses.emplace(
        set, stability_selection(comm, group.clusters, plan.stability, plan.seed, "resampling " + set));
  }
  for (auto const& set : plan.esft_sets) {
    auto const& total = groups.at(set).total;
    scores.esft[set] = {find_esft("esft_token")->score(scores.space, total),
                        find_esft("esft_gate")->score(scores.space, total)};
  }
  for (auto const& pair : plan.pairs)
    for (auto const* criterion : plan.criteria)
      scores.contrasts[{std::string(criterion->name), versus(pair)}] =
          criterion->score({groups.at(pair.a), groups.at(pair.b)});
  add_groups(comm, plan, tables, scores);
  return scores;
}

}  // namespace moerae
