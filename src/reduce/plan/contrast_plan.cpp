#include "reduce/plan/contrast_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reduce/usage/attributions.hpp"
#include "reduce/usage/same_token.hpp"

namespace moerae {
namespace {

using Pair = ContrastOptions::Pair;

void add(std::vector<std::string>& names, std::string const& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

Positions positions_of(ContrastCriterion const* criterion, Positions const& positions) {
  if (criterion == nullptr || criterion->positions.empty()) return positions;
  return parse_positions("positions of the criterion", std::string(criterion->positions));
}

// Why there is nothing that a criterion of drops could be made of.
std::string missing_drops(Positions const& positions, Recorded const& recorded) {
  if (positions.drop.empty() || recorded.attributions_to_come) return {};
  if (!recorded.attributions)
    return "is made of what `moerae attribute` finds, and this run has nothing of it; run that first";
  auto const& found = *recorded.attributions;
  auto const folder = found.stage().path.filename().string();
  if (!found.has(positions.drop))
    return fmt::format("{} has no drops of it; name it in attribute.criteria and run `moerae attribute`",
                       folder);
  if (auto const missing = found.missing(); missing > 0)
    return fmt::format(
        "of {}, {} of {} files are missing, and it would be made of a part of the prompts; repeat `moerae "
        "attribute`, which completes it",
        folder, missing, missing + found.files());
  return {};
}

// Empty where the two sets can be compared.
std::string obstacle(PlannedContrast const& contrast, Positions const& positions, SetFacts& facts) {
  auto const& [criterion, pair] = contrast;
  if (auto const why = missing_drops(positions, facts.recorded()); !why.empty()) return why;
  auto const &a = facts.at(positions, pair.a), &b = facts.at(positions, pair.b);
  for (auto const* table : {&a, &b})
    if (auto const why = nothing_to_count(*table, positions); !why.empty()) return why;
  if (criterion == nullptr) return {};
  if (criterion->test->obstacle != nullptr) return criterion->test->obstacle(a, b);
  if (!criterion->same_token) return {};
  if (!facts.recorded().routing)
    return "compares the same tokens, so it needs the routing of every token; record with record.routing = "
           "true";
  auto const layout = facts.layout({pair.a, pair.b}, positions);
  return SharedTokens(facts.corpus(), positions, layout, 0, 1).obstacle();
}

ContrastPass& pass_at(std::vector<ContrastPass>& passes, Positions const& positions) {
  auto const found =
      std::ranges::find(passes, positions.name, [](auto const& pass) { return pass.positions.name; });
  return found != passes.end() ? *found : passes.emplace_back(ContrastPass{positions, {}, {}, {}});
}

}  // namespace

std::vector<ContrastPass> plan_passes(
    SetFacts& facts, std::vector<ContrastCriterion const*> const& criteria, std::vector<Pair> const& pairs,
    Positions const& positions,
    std::function<void(PlannedContrast const&, std::string const& why)> const& refuse) {
  std::vector<ContrastPass> passes;
  std::vector<ContrastCriterion const*> rows{nullptr};
  rows.insert(rows.end(), criteria.begin(), criteria.end());
  for (auto const& pair : pairs)
    for (auto const* criterion : rows) {
      PlannedContrast const contrast{criterion, pair};
      auto const at = positions_of(criterion, positions);
      if (auto const why = obstacle(contrast, at, facts); !why.empty()) {
        refuse(contrast, why);
        continue;
      }
      auto& pass = pass_at(passes, at);
      for (auto const& set : {pair.a, pair.b}) add(pass.sets, set);
      if (criterion == nullptr) continue;
      pass.contrasts.push_back(contrast);
      std::pair const both{pair.a, pair.b};
      if (criterion->same_token && std::ranges::find(pass.same_token, both) == pass.same_token.end())
        pass.same_token.push_back(both);
    }
  for (auto& pass : passes) std::ranges::sort(pass.sets);
  return passes;
}

bool planned(std::vector<ContrastPass> const& passes, std::string const& criterion, Pair const& groups) {
  return std::ranges::all_of(groups.parts(), [&](auto const& pair) {
    return std::ranges::any_of(passes, [&](ContrastPass const& pass) {
      return std::ranges::any_of(pass.contrasts, [&](PlannedContrast const& contrast) {
        return contrast.criterion->name == criterion && contrast.pair == pair;
      });
    });
  });
}

}  // namespace moerae
