#include "reduce/results/select.hpp"

#include <algorithm>
#include <cmath>

#include "reduce/esft.hpp"

namespace moerae {
namespace {

// The experts that can be in the set at all, ascending; all where the request says nothing about it.
std::vector<std::size_t> candidates(SelectOptions const& request, ExpertSpace const& space,
                                    Score const& score, std::vector<double> const& values) {
  if (request.p) {
    std::vector<std::int64_t> units;
    for (auto const v : values) units.push_back(std::llround(v * static_cast<double>(esft_scale)));
    return esft_select(space, units, *request.p);
  }
  if (score.only_members || (!request.count && !request.threshold && !score.signs)) return score.members;
  std::vector<std::size_t> all(values.size());
  for (std::size_t e = 0; e < all.size(); ++e) all[e] = e;
  return all;
}

bool on_side(double value, store::Side side) {
  if (side == store::Side::both) return value != 0;
  return side == store::Side::positive ? value > 0 : value < 0;
}

}  // namespace

std::vector<store::ScoredExpert> select_experts(SelectOptions const& request, ExpertSpace const& space,
                                                Score const& score) {
  auto const& values = score.chosen_by.empty() ? score.values : score.chosen_by;
  auto const experts = static_cast<std::size_t>(space.experts);
  std::vector<store::ScoredExpert> out;
  for (auto const e : candidates(request, space, score, values)) {
    bool const reached =
        on_side(values[e], request.side) && std::abs(values[e]) >= request.threshold.value_or(0);
    if (!reached && !request.p) continue;
    out.push_back(
        {LayerId(space.layers[e / experts]), ExpertId(static_cast<std::int32_t>(e % experts)), values[e]});
    if (score.frequency) out.back().frequency = values[e];
  }
  store::sort_best_first(out, request.side);
  if (request.count && static_cast<std::size_t>(*request.count) < out.size())
    out.resize(static_cast<std::size_t>(*request.count));
  return out;
}

}  // namespace moerae
