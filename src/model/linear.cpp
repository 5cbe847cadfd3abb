#include "moerae/model/linear.hpp"

#include <ATen/ops/linear.h>

#include "moerae/model/tensor_specs.hpp"

namespace moerae {

torch::Tensor Mxfp4Weight::unpack(torch::Dtype dtype) const {
  auto const values = torch::tensor({0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F, -0.0F, -0.5F, -1.0F,
                                     -1.5F, -2.0F, -3.0F, -4.0F, -6.0F});
  auto const table = values.to(blocks.device());
  auto const low = blocks.bitwise_and(15).to(torch::kInt32),
             high = blocks.bitwise_right_shift(4).to(torch::kInt32);
  auto const codes = torch::stack({low, high}, -1).reshape({-1});  // value after value
  auto const out = table.index_select(0, codes).reshape({blocks.size(0), blocks.size(1), mxfp4_block});
  auto const exponent = scales.to(torch::kInt32).unsqueeze(-1) - 127;
  return torch::ldexp(out, exponent).reshape({blocks.size(0), -1}).to(dtype);
}

torch::Tensor LinearWeights::dense(torch::Dtype dtype) const {
  if (weight.defined()) return weight;
  if (quantised.empty()) return packed.unpack(dtype);
  if (quantised.size() == 1) return quantised.front().unpack(dtype);
  std::vector<torch::Tensor> rows;
  for (auto const& part : quantised) rows.push_back(part.unpack(dtype));
  return torch::cat(rows);
}

void LinearWeights::set_dense(torch::Tensor dense_weight) {
  weight = std::move(dense_weight);
  packed = {};
  quantised.clear();
}

torch::Tensor linear(torch::Tensor const& x, LinearWeights const& weights) {
  auto const y = at::linear(x, weights.dense(x.scalar_type()), weights.bias);
  if (!weights.adapter) return y;
  auto const& [a, b, scale] = *weights.adapter;
  return y + at::linear(at::linear(x, a), b) * scale;
}

}  // namespace moerae
