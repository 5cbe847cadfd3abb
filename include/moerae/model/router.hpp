#pragma once

#include <torch/types.h>

#include "moerae/model/intervention/edit.hpp"
#include "moerae/model/linear.hpp"
#include "moerae/model/plan.hpp"

namespace moerae {

/// What a router decided for T tokens.
struct RoutingDecision {
  torch::Tensor logits;   // [T, K] of the router, whatever was edited
  torch::Tensor experts;  // [T, k] int64, ascending within a token
  torch::Tensor weights;  // [T, k], as applied to the experts' outputs
};

/// x [T, H] -> [T, K]
[[nodiscard]] torch::Tensor router_logits(torch::Tensor const& x, LinearWeights const& router,
                                          RouterSpec const& spec);

/// Decides by the policy `spec` (see RouterSpec) under an edit (see RouterEdit). logits [T, K];
/// correction_bias [K] float32 or undefined; condition [T] int64: the row of the tables of the edit for each
/// token, undefined: row 0. Ties: lowest id, for groups as for experts. The weights are differentiable, the
/// choice is not. An edit that leaves a token too few experts gives one that it forbids: conditions are
/// checked where they are made (faults_of).
[[nodiscard]] RoutingDecision decide(torch::Tensor const& logits, torch::Tensor const& correction_bias,
                                     RouterSpec const& spec, RouterEdit const& edit = {},
                                     torch::Tensor const& condition = {});

}  // namespace moerae
