#include "moerae/model/router.hpp"

#include <ATen/ops/linear.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sort.h>

namespace moerae {

RoutingDecision route(torch::Tensor const& x, torch::Tensor const& weight, RouterSpec const& spec) {
  auto const logits = at::linear(x, weight);                     // [T, K]
  auto const scores = at::softmax(logits, -1, torch::kFloat32);  // [T, K]
  // a stable descending sort puts the lowest id first among equals; topk leaves their order open
  auto const order = std::get<1>(at::sort(scores, /*stable=*/true, -1, /*descending=*/true));
  auto const experts = std::get<0>(order.narrow(-1, 0, spec.top_k).sort(-1));  // [T, k], ascending
  auto weights = scores.gather(-1, experts);
  if (spec.renormalise) weights = weights / weights.sum(-1, /*keepdim=*/true);
  return {logits, experts, weights.to(logits.scalar_type())};
}

}  // namespace moerae
