#include "model/experts.hpp"

#include <vector>

#include "model/combine.hpp"
#include "model/layers.hpp"

namespace moerae {

torch::Tensor apply_experts(torch::Tensor const& x, torch::Tensor const& experts, torch::Tensor const& gates,
                            MoeWeights const& weights, torch::Tensor* largest) {
  auto const k = experts.size(1);
  auto const owned = static_cast<std::int64_t>(weights.experts.size());
  auto const local = (experts - weights.first).reshape(-1);                      // [T k]
  auto const slot = torch::where((local >= 0) & (local < owned), local, owned);  // foreign choices sort last
  auto const order = std::get<1>(at::sort(slot, /*stable=*/true, 0, /*descending=*/false));
  auto const counts = torch::bincount(slot, {}, owned + 1).to(torch::kCPU);
  auto const token = order.div(k, "floor");  // of each choice, expert after expert
  std::vector<torch::Tensor> outputs;
  std::int64_t done = 0;
  for (std::int64_t e = 0; e < owned; ++e) {
    auto const count = counts.data_ptr<std::int64_t>()[e];
    if (count == 0) continue;
    outputs.push_back(gated_mlp(x.index_select(0, token.narrow(0, done, count)),
                                weights.experts[static_cast<std::size_t>(e)],
                                weights.activation));  // [count, H]
    done += count;
  }
  if (outputs.empty()) {
    if (largest) *largest = torch::zeros(experts.sizes(), torch::kFloat32);
    return torch::zeros_like(x);
  }
  // where the output of each choice lies; -1 for those of other ranks
  auto position = torch::full_like(slot, -1);
  position.index_put_({order.narrow(0, 0, done)}, torch::arange(done, slot.options()));
  return combine(torch::cat(outputs), position.reshape({-1, k}), gates, largest);
}

}  // namespace moerae
