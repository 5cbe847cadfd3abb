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

torch::Tensor linear(torch::Tensor const& x, LinearWeights const& weights) {
  auto const weight = weights.weight.defined() ? weights.weight : weights.packed.unpack(x.scalar_type());
  auto const y = at::linear(x, weight, weights.bias);
  if (!weights.adapter) return y;
  auto const& [a, b, scale] = *weights.adapter;
  return y + at::linear(at::linear(x, a), b) * scale;
}

torch::Tensor unpack_block_fp8(torch::Tensor const& values, torch::Tensor const& scales, torch::Dtype dtype) {
  auto const spread =
      scales.to(torch::kFloat32).repeat_interleave(fp8_block, 0).repeat_interleave(fp8_block, 1);
  return (values.to(torch::kFloat32) * spread.narrow(0, 0, values.size(0)).narrow(1, 0, values.size(1)))
      .to(dtype);
}

}  // namespace moerae
