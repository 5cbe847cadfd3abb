#pragma once

#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"
#include "moerae/store/adapters.hpp"

namespace moerae {

/// Puts an adapter on the experts that this rank owns: `factor` times what it adds to their weights (1: the
/// tuned model; -1: the opposite, SAFEx's merging by sign). Low-rank products stay beside the weights, packed
/// ones too; differences are added, in float32 and rounded once. Throws DataError where it was made for a
/// model of another shape.
void apply_adapter(ModelPlan const& plan, ModelWeights& weights, store::AdapterReader const& adapter,
                   double factor);

}  // namespace moerae
