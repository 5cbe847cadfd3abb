#include "model/schedule/routed.hpp"

#include "model/experts.hpp"

namespace moerae {

Routed routed(ExpertExchange& exchange, torch::Tensor const& x, RoutingDecision const& decision,
              MoeWeights const& own, bool largest) {
  auto routes = exchange.open(decision.experts);
  torch::Tensor largest_here;  // [R, k]
  auto const there = apply_experts(routes.forth(x), routes.forth(decision.experts),
                                   routes.forth(decision.weights), own, largest ? &largest_here : nullptr);
  Routed out{routes.back(there), {}};
  if (largest) out.largest = routes.back(largest_here);
  routes.close();
  return out;
}

}  // namespace moerae
