#include "moerae/model/router.hpp"

#include <ATen/ops/softmax.h>
#include <ATen/ops/sort.h>

#include <limits>
#include <vector>

namespace moerae {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Ids of the k largest along the last axis, best first; a stable descending sort puts the lowest id first
// among equals, topk leaves their order open.
torch::Tensor best(torch::Tensor const& scores, std::int64_t k) {
  return std::get<1>(at::sort(scores, /*stable=*/true, -1, /*descending=*/true)).narrow(-1, 0, k);
}

torch::Tensor scores_of(torch::Tensor const& logits, RouterSpec::Score score) {
  switch (score) {
    case RouterSpec::Score::softmax:
      return at::softmax(logits, -1, torch::kFloat32);
    case RouterSpec::Score::sigmoid:
      return torch::sigmoid(logits.to(torch::kFloat32));
    case RouterSpec::Score::logits:
      break;
  }
  return logits;
}

// Selection scores with everything outside the best groups at minus infinity. Groups of forced experts are
// the best.
torch::Tensor inside_best_groups(torch::Tensor const& selection, RouterSpec const& spec,
                                 torch::Tensor const& forced) {
  auto const grouped = selection.unflatten(-1, {spec.groups, -1});  // [T, groups, K / groups]
  auto score = spec.group_score == RouterSpec::GroupScore::best
                   ? std::get<0>(grouped.max(-1))
                   : grouped.gather(-1, best(grouped, 2)).sum(-1);
  if (forced.defined()) score = score.masked_fill(forced.unflatten(-1, {spec.groups, -1}).any(-1), infinity);
  auto const outside = torch::ones_like(score, torch::kBool).scatter(-1, best(score, spec.top_groups), false);
  return grouped.masked_fill(outside.unsqueeze(-1), -infinity).flatten(-2);
}

// Sparse-mixer, evaluation form (arXiv 2409.12136; transformers phimoe): each pick is weighted by a softmax
// over the logits that lie within 2 jitter of it, the second pick without the first.
torch::Tensor sparse_mixer_weights(torch::Tensor const& logits, torch::Tensor const& picks, double jitter) {
  std::vector<torch::Tensor> weights;
  auto left = logits;  // what can still be picked
  for (std::int64_t j = 0; j < picks.size(-1); ++j) {
    auto const pick = picks.narrow(-1, j, 1), top = left.gather(-1, pick);
    auto const far = (top - logits) / torch::maximum(logits.abs(), top) > 2 * jitter;
    weights.push_back(at::softmax(left.masked_fill(far, -infinity), -1).gather(-1, pick));
    left = left.scatter(-1, pick, -infinity);
  }
  return torch::cat(weights, -1);
}

// The row of a table [C, K] for each token: [T, K], or [1, K] where all have the first.
torch::Tensor for_rows(torch::Tensor const& table, torch::Tensor const& condition) {
  if (!table.defined()) return {};
  return condition.defined() ? table.index_select(0, condition) : table.narrow(0, 0, 1);
}

torch::Tensor filled(torch::Tensor const& values, torch::Tensor const& where, double value) {
  return where.defined() ? values.masked_fill(where, value) : values;
}

// Raised and lowered values, in the dtype they have: 0.01 may be lost in it, one step is not.
torch::Tensor steered(torch::Tensor const& values, torch::Tensor const& raised,
                      torch::Tensor const& lowered) {
  constexpr double step = 0.01;
  auto const limit = [&](double sign) { return torch::full({}, sign * infinity, values.options()); };
  auto out = values;
  if (raised.defined()) {
    auto const top = values.amax(-1, /*keepdim=*/true);
    out = torch::where(raised, torch::maximum(top + step, torch::nextafter(top, limit(1))), out);
  }
  if (lowered.defined()) {
    auto const bottom = values.amin(-1, /*keepdim=*/true);
    out = torch::where(lowered, torch::minimum(bottom - step, torch::nextafter(bottom, limit(-1))), out);
  }
  return out;
}

// Picks of replayed rows, best first as the router would have them.
torch::Tensor replayed(torch::Tensor const& picks, torch::Tensor const& logits,
                       torch::Tensor const& experts) {
  auto const known = experts.clamp_min(0);
  auto const ordered = known.gather(-1, best(logits.gather(-1, known), known.size(-1)));
  return torch::where(experts.narrow(-1, 0, 1) >= 0, ordered, picks);
}

// The weights of the chosen by the rule of the router; picks [T, k] best first, experts: the same ascending.
torch::Tensor weights_of(torch::Tensor const& scores, torch::Tensor const& logits, torch::Tensor const& picks,
                         torch::Tensor const& experts, torch::Tensor const& order, RouterSpec const& spec) {
  auto weights = [&] {
    switch (spec.weight) {
      case RouterSpec::Weight::softmax_of_chosen:
        return at::softmax(logits.gather(-1, experts), -1);
      case RouterSpec::Weight::sparse_mixer:
        return sparse_mixer_weights(logits, picks, spec.jitter).gather(-1, order);
      case RouterSpec::Weight::score:
        break;
    }
    return scores.gather(-1, experts);
  }();
  if (spec.renormalise) weights = weights / (weights.sum(-1, /*keepdim=*/true) + spec.renormalise_eps);
  return spec.scale == 1 ? weights : weights * spec.scale;
}

}  // namespace

torch::Tensor router_logits(torch::Tensor const& x, LinearWeights const& router, RouterSpec const& spec) {
  if (!spec.float32_logits) return linear(x, router);
  LinearWeights wide;
  wide.weight = router.weight.to(torch::kFloat32);
  if (router.bias.defined()) wide.bias = router.bias.to(torch::kFloat32);
  return linear(x.to(torch::kFloat32), wide);
}

RoutingDecision decide(torch::Tensor const& logits, torch::Tensor const& correction_bias,
                       RouterSpec const& spec, RouterEdit const& edit, torch::Tensor const& condition) {
  auto const table = [&](torch::Tensor const& of) { return for_rows(of, condition); };
  auto const masked = table(edit.masked), raised = table(edit.raised), lowered = table(edit.lowered),
             forced = table(edit.forced), scale = table(edit.scale);
  bool const on_logits = spec.score != RouterSpec::Score::sigmoid;
  auto const open = on_logits ? filled(steered(logits, raised, lowered), masked, -infinity) : logits;
  auto const scores = scores_of(open, spec.score);
  auto selection = spec.correction_bias ? scores + correction_bias : scores;
  if (!on_logits) selection = steered(selection, raised, lowered);
  selection = filled(selection, masked, -infinity);
  if (spec.groups > 1 && spec.top_groups < spec.groups)
    selection = inside_best_groups(selection, spec, forced);
  auto picks = best(filled(selection, forced, infinity), spec.top_k);  // [T, k], best first
  auto const& replay = edit.replay;
  if (replay.experts.defined()) picks = replayed(picks, open, replay.experts);
  auto const [experts, order] = picks.sort(-1);  // ascending ids

  auto weights = weights_of(scores, open, picks, experts, order, spec);
  if (scale.defined()) weights = weights * scale.expand_as(logits).gather(-1, experts);
  if (replay.weights.defined())
    weights = torch::where(replay.experts.narrow(-1, 0, 1) >= 0, replay.weights, weights);
  return {logits, experts,
          spec.float32_weights ? weights.to(torch::kFloat32) : weights.to(logits.scalar_type())};
}

}  // namespace moerae
