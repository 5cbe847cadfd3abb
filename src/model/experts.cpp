#include "moerae/model/experts.hpp"

#include <ATen/ops/zeros.h>

#include "moerae/model/layers.hpp"

namespace moerae {

torch::Tensor apply_experts(torch::Tensor const& x, torch::Tensor const& experts, torch::Tensor const& gates,
                            MoeWeights const& weights) {
  auto const k = experts.size(1);
  auto const owned = static_cast<std::int64_t>(weights.experts.size());
  auto const local = (experts - weights.first).reshape(-1);                      // [T k]
  auto const slot = torch::where((local >= 0) & (local < owned), local, owned);  // foreign choices sort last
  auto const order = std::get<1>(at::sort(slot, /*stable=*/true, 0, /*descending=*/false));
  auto const counts = torch::bincount(slot, {}, owned + 1).to(torch::kCPU);
  auto const rows = order.div(k, "floor");  // token of each sorted choice
  auto const gate = gates.reshape(-1).index_select(0, order).to(torch::kFloat32);  // [T k]
  auto sum = torch::zeros(x.sizes(), x.options().dtype(torch::kFloat32));
  std::int64_t first = 0;
  for (std::int64_t e = 0; e < owned; ++e) {
    auto const count = counts.data_ptr<std::int64_t>()[e];
    if (count == 0) continue;
    auto const mine = rows.narrow(0, first, count);
    auto const y = gated_mlp(x.index_select(0, mine), weights.experts[static_cast<std::size_t>(e)],
                             weights.activation);  // [count, H]
    sum.index_add_(0, mine, y.to(torch::kFloat32) * gate.narrow(0, first, count).unsqueeze(1));
    first += count;
  }
  return sum.to(x.scalar_type());
}

}  // namespace moerae
