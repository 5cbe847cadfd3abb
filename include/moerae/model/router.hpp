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
///
/// `masked` [K] bool, or undefined: experts that cannot be selected (SAFEx, arXiv 2506.17368; methods 1).
/// Their selection score is masked, after the correction bias and before the group scores. Where the scores
/// come from a softmax this is the same as a logit of minus infinity, for the weights too; a sigmoid router
/// weighs the others as before. The logits that are returned are those of the unmasked router. At least top_k
/// must remain (std::logic_error).
[[nodiscard]] RoutingDecision route(torch::Tensor const& x, MoeWeights const& weights, RouterSpec const& spec,
                                    torch::Tensor const& masked = {});

}  // namespace moerae
