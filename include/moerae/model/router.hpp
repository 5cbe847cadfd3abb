#pragma once

#include <torch/types.h>

#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// What a router decided for T tokens.
struct RoutingDecision {
  torch::Tensor logits;   // [T, K]
  torch::Tensor experts;  // [T, k] int64, ascending within a token
  torch::Tensor weights;  // [T, k], as applied to the experts' outputs
};

/// Routes x [T, H] by the policy `spec` (see RouterSpec). Ties: lowest id, for groups as for experts. The
/// weights are differentiable, the choice is not.
[[nodiscard]] RoutingDecision route(torch::Tensor const& x, MoeWeights const& weights,
                                    RouterSpec const& spec);

}  // namespace moerae
