#include "reduce/results/select.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "moerae/base/check.hpp"
#include "reduce/esft.hpp"

namespace moerae {
namespace {

using Experts = std::vector<store::ScoredExpert>;

store::ScoredExpert scored(ExpertSpace const& space, std::size_t e, double score) {
  auto const experts = static_cast<std::size_t>(space.experts);
  return {LayerId(space.layers[e / experts]), ExpertId(static_cast<std::int32_t>(e % experts)), score, {}};
}

Experts those(ExpertSpace const& space, std::vector<double> const& score,
              std::function<bool(std::size_t)> const& qualifies) {
  Experts out;
  for (std::size_t e = 0; e < score.size(); ++e)
    if (qualifies(e)) out.push_back(scored(space, e, score[e]));
  return out;
}

Experts first_of(Experts experts, SetRequest const& request) {
  store::sort_best_first(experts, request.side);
  if (request.count && static_cast<std::size_t>(*request.count) < experts.size())
    experts.resize(static_cast<std::size_t>(*request.count));
  return experts;
}

Experts by_frequency(SetRequest const& request, Scores const& scores) {
  auto const& stability = scores.ses.at(request.set);
  auto const frequency = stability.frequency();
  auto experts = those(scores.space, frequency, [&](std::size_t e) {
    if (request.count) return frequency[e] > 0;
    return request.threshold ? frequency[e] >= *request.threshold : stability.selected(e);
  });
  for (auto& expert : experts) expert.frequency = expert.score;
  return first_of(std::move(experts), request);
}

Experts by_group(SetRequest const& request, Scores const& scores) {
  auto const& group = *std::ranges::find(scores.groups, request.criterion, &SafetyGroup::name);
  Experts experts;
  for (auto const e : group.members)
    if (!request.threshold || group.score[e] >= *request.threshold)
      experts.push_back(scored(scores.space, e, group.score[e]));
  return first_of(std::move(experts), request);
}

Experts by_esft(SetRequest const& request, Scores const& scores) {
  auto const units = find_esft(request.criterion)->units(scores.space, scores.totals.at(request.set));
  std::vector<double> rounded(units.size());
  std::ranges::transform(units, rounded.begin(), [](std::int64_t u) {
    return static_cast<double>(u) / static_cast<double>(esft_scale);
  });
  if (!request.p)
    return first_of(those(scores.space, rounded,
                          [&](std::size_t e) { return rounded[e] >= request.threshold.value_or(0); }),
                    request);
  Experts experts;
  for (auto const e : esft_select(scores.space, units, *request.p))
    experts.push_back(scored(scores.space, e, rounded[e]));
  return first_of(std::move(experts), request);
}

Experts by_contrast(SetRequest const& request, Scores const& scores) {
  auto const& score = scores.contrasts.at({request.criterion, versus(request.groups)}).score;
  auto const qualifies = [&](std::size_t e) {
    bool const sign =
        request.side == store::Side::both || (request.side == store::Side::positive) == (score[e] > 0);
    return sign && score[e] != 0 && std::abs(score[e]) >= request.threshold.value_or(0);
  };
  return first_of(those(scores.space, score, qualifies), request);
}

}  // namespace

std::vector<store::ScoredExpert> select_experts(SetRequest const& request, Scores const& scores) {
  switch (request.kind) {
    case SetRequest::Kind::ses:
      return by_frequency(request, scores);
    case SetRequest::Kind::safety_group:
      return by_group(request, scores);
    case SetRequest::Kind::esft:
      return by_esft(request, scores);
    case SetRequest::Kind::contrast:
      return by_contrast(request, scores);
  }
  throw std::logic_error("a set request of no kind");
}

}  // namespace moerae
