#pragma once

#include <torch/types.h>

#include "moerae/model/exchange.hpp"
#include "moerae/model/router.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// What the experts of all ranks give for the rows of this one.
struct Routed {
  torch::Tensor y;  // [T, H] sum of gate weight times output
  torch::Tensor
      largest;  // [T, k] float32, largest magnitude in the output of each choice; undefined: not asked for
};

/// What every loop does between enter and leave: x [T, H]; `own`: the experts of this rank; `largest`: the
/// same on all ranks. Without gradient. Collective over the group of the exchange.
[[nodiscard]] Routed routed(ExpertExchange& exchange, torch::Tensor const& x, RoutingDecision const& decision,
                            MoeWeights const& own, bool largest = false);

}  // namespace moerae
