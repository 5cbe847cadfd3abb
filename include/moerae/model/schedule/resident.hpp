#pragma once

#include <torch/types.h>

#include "moerae/model/exchange.hpp"
#include "moerae/model/pass.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

// The schedule in which the weights of all layers lie in memory and pass follows pass.

/// References: all outlive what is computed with them.
struct ResidentModel {
  ModelPlan const& plan;
  ModelWeights const& weights;
  ExpertExchange& exchange;
};

/// Walks up to the last routing decision and shows every decision to the tap of the pass; what only the
/// output would need is not computed. Collective over the expert group.
void record(ResidentModel const& model, Pass& pass);

/// Walks through all layers and the final norm: hidden states [T, H]. Collective over the expert group.
[[nodiscard]] torch::Tensor forward(ResidentModel const& model, Pass& pass);

}  // namespace moerae
