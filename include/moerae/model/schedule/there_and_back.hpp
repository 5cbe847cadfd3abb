#pragma once

#include <torch/types.h>

#include <vector>

#include "moerae/model/pass.hpp"
#include "moerae/model/router.hpp"
#include "moerae/model/schedule/resident.hpp"

namespace moerae {

// The schedule that computes gradients: up without a graph, keeping what enters every layer; down again layer
// by layer, each computed anew in small graphs with the exchange between them (design decision 10).

/// One MoE layer on the way down; L is the scalar whose gradient is carried. T rows of this rank.
struct LayerGradient {
  LayerId layer;
  torch::Tensor x;           // [T, H] what router and experts see
  RoutingDecision decision;  // as used, under the edits of the pass
  torch::Tensor dy;          // [T, H] dL/dy, y: what the routed experts of all ranks add
  /// [T, k] float32, dL/dg, of the weights as applied: by y = sum_j g_j E_j(x) it is also <dL/dy, E_j(x)>.
  torch::Tensor dgates;
};

/// Sees the layers on the way down, from the last to the first, and says what else a gradient is wanted of.
/// May use the exchange of the model, as every rank of the group does the same.
class GradientTap {
 public:
  virtual ~GradientTap() = default;
  virtual void on_gradient(LayerGradient const& /*found*/) {}
  /// Tensors of this rank's experts of the layer that a gradient is wanted of, leaves; not collective.
  [[nodiscard]] virtual std::vector<torch::Tensor> parameters(LayerId /*layer*/) { return {}; }
  /// Their gradients, in order, from the rows of the whole group; choices [R, k]: the experts of those rows.
  virtual void on_parameters(LayerId /*layer*/, std::vector<torch::Tensor> const& /*gradients*/,
                             torch::Tensor const& /*choices*/) {}
  /// dL/d(router logits) [T, K] of a term of L that reads them; undefined: none does. Not asked of the lowest
  /// layer of the walk.
  [[nodiscard]] virtual torch::Tensor logit_gradient(LayerId /*layer*/, RoutingDecision const& /*decision*/) {
    return {};
  }
};

/// One pass up, and down again. References outlive it; the pass has no cache.
class ThereAndBack {
 public:
  /// Down to `lowest`, a MoE layer, the same on all ranks.
  ThereAndBack(ResidentModel const& model, Pass& pass, LayerId lowest)
      : model_(model), pass_(pass), lowest_(lowest.value) {}
  ThereAndBack(ResidentModel const& model, Pass& pass)
      : ThereAndBack(model, pass, model.plan.moe_layers().front()) {}

  /// Hidden states behind the final norm [T, H], those of `forward`. Collective over the expert group.
  [[nodiscard]] torch::Tensor up();
  /// Carries dL/d(hidden states) [T, H] down to the experts of the lowest layer. After `up`. Collective over
  /// the group.
  void down(torch::Tensor const& gradient, GradientTap& tap);

 private:
  [[nodiscard]] torch::Tensor below(std::int32_t i, torch::Tensor const& gradient, GradientTap& tap);

  ResidentModel const& model_;
  Pass& pass_;
  std::int32_t lowest_;
  std::vector<torch::Tensor> kept_;  // of [T, H]: before every layer from the lowest on, behind the last
};

/// <v, E_e(x)> for every row and each of its experts: v, x [T, H], experts [T, n] int64, ascending within a
/// row -> [T, n] float32. n is the same on all ranks of the group. Collective over it. Without gradient.
[[nodiscard]] torch::Tensor expert_products(ResidentModel const& model, LayerId layer, torch::Tensor const& v,
                                            torch::Tensor const& x, torch::Tensor const& experts);

}  // namespace moerae
