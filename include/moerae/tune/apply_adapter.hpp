#pragma once

#include <torch/types.h>

#include <cstddef>
#include <string>

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

/// Expert i of an adapter is one of the model. Throws DataError.
void check_expert(ModelPlan const& plan, store::AdapterReader const& adapter, std::size_t i);

/// The product of a map (gate_up | down) of its expert i; of an adapter whose method is lora. Throws
/// DataError where the shape is another.
[[nodiscard]] LowRank low_rank(store::AdapterReader const& adapter, std::string const& map, std::size_t i,
                               std::int64_t out, std::int64_t in);

/// What it adds to a map (gate_up | down) of its expert i: [out, in] float32. Throws DataError where the
/// shape is another.
[[nodiscard]] torch::Tensor added_weight(store::AdapterReader const& adapter, std::string const& map,
                                         std::size_t i, std::int64_t out, std::int64_t in);

}  // namespace moerae
