#pragma once

#include <torch/types.h>

#include "moerae/base/ids.hpp"
#include "moerae/model/router.hpp"
#include "moerae/model/rows.hpp"

namespace moerae {

/// Sees what a layer did, in order of the layers (design decision 2). Tensors lie where they were computed;
/// what needs them on the host copies them (HostDecision). Called by the loops over layers, never by a layer,
/// so that a layer can be computed again for its gradient without being seen twice.
class LayerTap {
 public:
  virtual ~LayerTap() = default;
  /// The decision actually used for these rows.
  virtual void on_decision(LayerId layer, Rows const& rows, RoutingDecision const& decision) = 0;
  /// What the routed experts of the layer add for these rows, before shared experts and scales: y [T, H]. The
  /// last layer of a recording has none.
  virtual void on_output(LayerId /*layer*/, torch::Tensor const& /*y*/) {}
  /// Where the pass asks for it: the largest magnitude in the output of every chosen expert, before its gate
  /// weight: largest [T, k] float32. The last layer of a recording has none.
  virtual void on_largest(LayerId /*layer*/, RoutingDecision const& /*decision*/,
                          torch::Tensor const& /*largest*/) {}
};

}  // namespace moerae
