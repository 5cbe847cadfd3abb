#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include "moerae/model/quantised.hpp"

namespace moerae {

/// A weight [out, in] in blocks of 32 four-bit floats (E2M1) that share a power of two (OCP Microscaling,
/// MXFP4).
struct Mxfp4Weight {
  torch::Tensor blocks;  // [out, in / 32, 16] uint8, the lower half of a byte first
  torch::Tensor scales;  // [out, in / 32] uint8, exponent + 127
  /// [out, in], exact in bfloat16 and wider.
  [[nodiscard]] torch::Tensor unpack(torch::Dtype dtype) const;
};

/// A weight [out, in] as its file packs it.
struct QuantisedWeight {
  Quantisation how;
  std::int64_t out = 0, in = 0;
  std::vector<torch::Tensor> parts;  // those of `packed_tensors`, with what is floating in float32
  /// [out, in]: computed in float32, which is exact for every packing, then rounded to `dtype`.
  [[nodiscard]] torch::Tensor unpack(torch::Dtype dtype) const;
};

/// What an adapter of rank r adds to a weight: scale B A (LoRA, Hu et al. 2021, arXiv 2106.09685). In the
/// dtype of the rows that pass.
struct LowRank {
  torch::Tensor a;   // [r, in]
  torch::Tensor b;   // [out, r]
  double scale = 1;  // PEFT: lora_alpha / r
};

/// A linear map; the weight is dense or stays packed in memory and is unpacked where it is used.
struct LinearWeights {
  torch::Tensor weight;  // [out, in]; undefined where packed
  torch::Tensor bias;    // [out] or undefined
  Mxfp4Weight packed;
  std::vector<QuantisedWeight> quantised = {};  // their rows one after another
  std::optional<LowRank> adapter = {};
  /// The weight [out, in], unpacked where it is packed; without the adapter.
  [[nodiscard]] torch::Tensor dense(torch::Dtype dtype) const;
  /// Puts a dense weight in place of what is there.
  void set_dense(torch::Tensor dense_weight);
};

/// x [T, in] -> [T, out]; differentiable in x, a dense weight, the bias and the adapter.
[[nodiscard]] torch::Tensor linear(torch::Tensor const& x, LinearWeights const& weights);

}  // namespace moerae
