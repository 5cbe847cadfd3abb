#pragma once

#include <torch/types.h>

#include "moerae/model/plan.hpp"

namespace moerae {

/// What a router decided for T tokens.
struct RoutingDecision {
  torch::Tensor logits;   // [T, K], model dtype
  torch::Tensor experts;  // [T, k] int64, ascending within a token
  torch::Tensor weights;  // [T, k], model dtype, as applied to the experts' outputs
};

/// Softmax in float32, the k largest (ties: lowest id), optional renormalisation in float32, cast back to x's
/// dtype. x [T, H], weight [K, H]. The weights are differentiable, the choice is not.
[[nodiscard]] RoutingDecision route(torch::Tensor const& x, torch::Tensor const& weight,
                                    RouterSpec const& spec);

}  // namespace moerae
