#include "model/schedule/routed.hpp"

#include "model/experts.hpp"

namespace moerae {

torch::Tensor routed(ExpertExchange& exchange, torch::Tensor const& x, RoutingDecision const& decision,
                     MoeWeights const& own) {
  auto routes = exchange.open(decision.experts);
  auto const there = apply_experts(routes.forth(x), routes.forth(decision.experts),
                                   routes.forth(decision.weights), own);  // [R, H]
  auto out = routes.back(there);
  routes.close();
  return out;
}

}  // namespace moerae
