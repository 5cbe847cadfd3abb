#include <algorithm>

#include "reduce/results/results.hpp"

namespace moerae {

Agreement agreement_of(ReducePlan const& plan, Scores const& scores,
                       std::vector<store::ExpertSet> const& sets) {
  std::vector<NamedScores> named;
  std::vector<std::vector<double>> frequencies;  // what the spans below refer to
  frequencies.reserve(scores.ses.size());
  for (auto const& [set, stability] : scores.ses)
    named.push_back({"ses-" + set, frequencies.emplace_back(stability.frequency())});
  for (auto const& [set, esft] : scores.esft) {
    named.push_back({"esft_token-" + set, esft.token});
    named.push_back({"esft_gate-" + set, esft.gate});
  }
  for (auto const& group : scores.groups)
    if (group.name == "hcdg" || group.name == "hrcg") named.push_back({group.name, group.score});
  for (auto const& [name, contrast] : scores.contrasts)
    named.push_back({name.first + "-" + name.second, contrast.score});
  std::vector<NamedSet> members;
  for (auto const& set : sets) {
    auto experts = expert_indices(scores.space, set);
    std::ranges::sort(experts);
    members.push_back({set.name, std::move(experts)});
  }
  auto const size = std::min(static_cast<std::size_t>(plan.count), scores.space.size());
  return agreement(named, size, members);
}

}  // namespace moerae
