#pragma once

#include <torch/types.h>

#include "moerae/model/exchange.hpp"
#include "moerae/model/packed_batch.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/tap.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// The one loop over layers. Holds references: plan, weights and exchange outlive it.
class Decoder {
 public:
  Decoder(ModelPlan const& plan, ModelWeights const& weights, ExpertExchange& exchange)
      : plan_(plan), weights_(weights), exchange_(exchange) {}

  /// Runs the batch up to the last routing decision and shows every decision to the tap; what only the output
  /// would need is not computed. Collective over the expert group.
  void record(PackedBatch const& batch, RoutingTap& tap) const;

  /// Runs all layers and the final norm: hidden states [T, H]. `tap` may be null. Collective over the expert
  /// group.
  [[nodiscard]] torch::Tensor forward(PackedBatch const& batch, RoutingTap* tap) const;

 private:
  [[nodiscard]] torch::Tensor feed_forward(torch::Tensor const& x, LayerSpec const& spec,
                                           LayerWeights const& own, RoutingDecision const& decision) const;
  [[nodiscard]] torch::Tensor run(PackedBatch const& batch, RoutingTap* tap, bool routing_only) const;

  ModelPlan const& plan_;
  ModelWeights const& weights_;
  ExpertExchange& exchange_;
};

}  // namespace moerae
