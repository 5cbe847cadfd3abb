#pragma once

#include <torch/types.h>

#include <optional>

namespace moerae {

/// A weight [out, in] in blocks of 32 four-bit floats (E2M1) that share a power of two (OCP Microscaling,
/// MXFP4).
struct Mxfp4Weight {
  torch::Tensor blocks;  // [out, in / 32, 16] uint8, the lower half of a byte first
  torch::Tensor scales;  // [out, in / 32] uint8, exponent + 127
  /// [out, in], exact in bfloat16 and wider.
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
  std::optional<LowRank> adapter = {};
};

/// x [T, in] -> [T, out]; differentiable in x, a dense weight, the bias and the adapter.
[[nodiscard]] torch::Tensor linear(torch::Tensor const& x, LinearWeights const& weights);

/// Block FP8 (DeepSeek-V3): values [out, in] F8_E4M3 times scales [ceil(out/128), ceil(in/128)] of their
/// block.
[[nodiscard]] torch::Tensor unpack_block_fp8(torch::Tensor const& values, torch::Tensor const& scales,
                                             torch::Dtype dtype);

}  // namespace moerae
