#include "model/schedule/routed.hpp"

#include "model/combine.hpp"
#include "model/experts.hpp"

namespace moerae {

Routed routed(ExpertExchange& exchange, torch::Tensor const& x, RoutingDecision const& decision,
              MoeWeights const& own, bool largest) {
  auto routes = exchange.open(decision.experts);
  auto const rows = routes.forth(x), experts = routes.forth(decision.experts),
             gates = routes.forth(decision.weights);  // [R, ..]
  auto const outputs = chosen_outputs(rows, experts, own);
  Routed out;
  out.y = routes.back(outputs.rows.defined() ? combine(outputs.rows, outputs.position, gates)
                                             : torch::zeros_like(rows));
  if (largest) out.largest = routes.back(largest_of(outputs));
  routes.close();
  return out;
}

}  // namespace moerae
