#include "moerae/model/router.hpp"

#include <ATen/ops/softmax.h>
#include <ATen/ops/sort.h>

#include <limits>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

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

// Selection scores with everything outside the best groups at minus infinity.
torch::Tensor inside_best_groups(torch::Tensor const& selection, RouterSpec const& spec) {
  auto const grouped = selection.unflatten(-1, {spec.groups, -1});  // [T, groups, K / groups]
  auto const score = spec.group_score == RouterSpec::GroupScore::best
                         ? std::get<0>(grouped.max(-1))
                         : grouped.gather(-1, best(grouped, 2)).sum(-1);
  auto const outside = torch::ones_like(score, torch::kBool).scatter(-1, best(score, spec.top_groups), false);
  return grouped.masked_fill(outside.unsqueeze(-1), minus_infinity).flatten(-2);
}

// Sparse-mixer, evaluation form (arXiv 2409.12136; transformers phimoe): each pick is weighted by a softmax
// over the logits that lie within 2 jitter of it, the second pick without the first.
torch::Tensor sparse_mixer_weights(torch::Tensor const& logits, torch::Tensor const& picks, double jitter) {
  std::vector<torch::Tensor> weights;
  auto left = logits;  // what can still be picked
  for (std::int64_t j = 0; j < picks.size(-1); ++j) {
    auto const pick = picks.narrow(-1, j, 1), top = left.gather(-1, pick);
    auto const far = (top - logits) / torch::maximum(logits.abs(), top) > 2 * jitter;
    weights.push_back(at::softmax(left.masked_fill(far, minus_infinity), -1).gather(-1, pick));
    left = left.scatter(-1, pick, minus_infinity);
  }
  return torch::cat(weights, -1);
}

}  // namespace

RoutingDecision route(torch::Tensor const& x, MoeWeights const& own, RouterSpec const& spec,
                      torch::Tensor const& masked) {
  auto const logits =
      spec.float32_logits
          ? linear(x.to(torch::kFloat32),
                   {own.router.weight.to(torch::kFloat32),
                    own.router.bias.defined() ? own.router.bias.to(torch::kFloat32) : own.router.bias,
                    {}})
          : linear(x, own.router);  // [T, K]
  bool const as_logits = masked.defined() && spec.score != RouterSpec::Score::sigmoid;
  auto const open = as_logits ? logits.masked_fill(masked, minus_infinity) : logits;
  auto const scores = scores_of(open, spec.score);
  auto selection = spec.correction_bias ? scores + own.correction_bias : scores;
  if (masked.defined()) selection = selection.masked_fill(masked, minus_infinity);
  if (spec.groups > 1 && spec.top_groups < spec.groups) selection = inside_best_groups(selection, spec);
  auto const picks = best(selection, spec.top_k);  // [T, k], best first
  expect(!masked.defined() || torch::isfinite(selection.gather(-1, picks)).all().item<bool>(),
         "a token has fewer than {} experts left to select: the mask leaves {} of {}", spec.top_k,
         masked.defined() ? spec.experts - masked.sum().item<std::int64_t>() : spec.experts, spec.experts);
  auto const [experts, order] = picks.sort(-1);  // ascending ids

  torch::Tensor weights;
  switch (spec.weight) {
    case RouterSpec::Weight::score:
      weights = scores.gather(-1, experts);
      break;
    case RouterSpec::Weight::softmax_of_chosen:
      weights = at::softmax(open.gather(-1, experts), -1);
      break;
    case RouterSpec::Weight::sparse_mixer:
      weights = sparse_mixer_weights(open, picks, spec.jitter).gather(-1, order);
      break;
  }
  if (spec.renormalise) weights = weights / (weights.sum(-1, /*keepdim=*/true) + spec.renormalise_eps);
  if (spec.scale != 1) weights = weights * spec.scale;
  return {logits, experts,
          spec.float32_weights ? weights.to(torch::kFloat32) : weights.to(logits.scalar_type())};
}

}  // namespace moerae
