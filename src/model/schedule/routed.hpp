#pragma once

#include <torch/types.h>

#include "moerae/model/exchange.hpp"
#include "moerae/model/router.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// What every loop does between enter and leave: the output of the routed experts of all ranks for the rows
/// of this one, x [T, H] -> [T, H]; `own`: the experts of this rank. Without gradient. Collective over the
/// group of the exchange.
[[nodiscard]] torch::Tensor routed(ExpertExchange& exchange, torch::Tensor const& x,
                                   RoutingDecision const& decision, MoeWeights const& own);

}  // namespace moerae
