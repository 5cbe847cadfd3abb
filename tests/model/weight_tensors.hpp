#pragma once

#include <torch/types.h>

#include <cstring>
#include <vector>

#include "moerae/model/weights.hpp"

namespace moerae::test {

inline void add(LinearWeights const& map, std::vector<torch::Tensor>& to) {
  to.insert(to.end(), {map.weight, map.bias, map.packed.blocks, map.packed.scales});
  for (auto const& weight : map.quantised) to.insert(to.end(), weight.parts.begin(), weight.parts.end());
}
inline void add(MlpWeights const& mlp, std::vector<torch::Tensor>& to) {
  add(mlp.gate_up, to);
  add(mlp.down, to);
}

/// Every tensor of a layer in a fixed order, undefined ones too.
inline std::vector<torch::Tensor> tensors_of(LayerWeights const& layer) {
  auto const& a = layer.attention;
  std::vector<torch::Tensor> out{layer.input_norm.weight,
                                 layer.input_norm.bias,
                                 layer.post_norm.weight,
                                 layer.post_norm.bias,
                                 a.q_a_norm,
                                 a.kv_a_norm,
                                 a.q_norm,
                                 a.k_norm,
                                 a.sinks};
  for (auto const* map : {&a.qkv, &a.q_a, &a.q_b, &a.kv_a, &a.kv_b, &a.out}) add(*map, out);
  if (auto const* dense = std::get_if<MlpWeights>(&layer.feed_forward)) {
    add(*dense, out);
    return out;
  }
  auto const& moe = std::get<MoeWeights>(layer.feed_forward);
  out.insert(out.end(), {moe.correction_bias, moe.shared_switch, torch::tensor(moe.first)});
  add(moe.router, out);
  if (moe.shared) add(*moe.shared, out);
  for (auto const& expert : moe.experts) add(expert, out);
  return out;
}

/// The same dtype, shape and bytes, or both undefined.
inline bool same_bits(torch::Tensor const& a, torch::Tensor const& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  auto const x = a.contiguous(), y = b.contiguous();
  return x.scalar_type() == y.scalar_type() && x.sizes() == y.sizes() &&
         std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
}

}  // namespace moerae::test
