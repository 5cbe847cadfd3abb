#pragma once

#include <torch/types.h>

#include "moerae/model/pass.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/router.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

// One layer in three pieces: enter, apply_experts (experts.hpp), leave. Each is a pure, differentiable
// function of tensors on this rank; the exchange stands between them and never inside an autograd graph, so
// that every rank joins every exchange whatever its tokens need (design decision 10). A dense layer has no
// middle piece.

/// What one layer computes and with which weights.
struct Layer {
  ModelPlan const& plan;
  LayerId id;
  LayerWeights const& weights;

  [[nodiscard]] LayerSpec const& spec() const { return plan.layers[static_cast<std::size_t>(id.value)]; }
  [[nodiscard]] MoeWeights const& moe() const { return std::get<MoeWeights>(weights.feed_forward); }
};

/// A layer up to its experts.
struct Entered {
  torch::Tensor h;           // [T, H] residual stream behind the attention
  torch::Tensor x;           // [T, H] its norm: what router and experts see
  RoutingDecision decision;  // undefined in a dense layer
};

/// Attention, both norms, logits and decision; h [T, H]: the residual stream. Pure but for the cache of the
/// pass, which takes the keys and values of the rows.
[[nodiscard]] Entered enter(torch::Tensor const& h, Layer const& layer, Pass& pass);

/// The residual stream behind the layer [T, H]; `routed` [T, H]: what the experts of all ranks gave for
/// entered.x, undefined in a dense layer.
[[nodiscard]] torch::Tensor leave(Entered const& entered, torch::Tensor const& routed, Layer const& layer);

}  // namespace moerae
