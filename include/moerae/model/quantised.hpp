#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moerae {

/// How the weight of a linear map [out, in] lies in a checkpoint of few bits. Four-bit numbers lie eight in
/// an int32, the lowest bits first.
enum class Packing {
  plain,
  block_fp8,    ///< F8_E4M3 times weight_scale_inv of its 128 x 128 block (DeepSeek-V3); unpacked when read
  channel_fp8,  ///< F8_E4M3 times weight_scale of its row (compressed-tensors, float-quantized)
  gptq,     ///< scales (q - (z + 1)), eight inputs in an int32, each input of the group in g_idx (AutoGPTQ)
  gptq_v2,  ///< the same, scales (q - z)
  awq,      ///< scales (q - z), eight outputs in an int32 in the order 0 2 4 6 1 3 5 7 (AutoAWQ, gemm)
  int4      ///< weight_scale (q - 8), eight inputs in an int32 (compressed-tensors, pack-quantized)
};

/// What `quantization_config` says of a checkpoint; its tensors say which of them it holds of.
struct Quantisation {
  std::string method;    ///< quant_method; empty: none
  std::string obstacle;  ///< why such tensors cannot be read; empty: they can
  Packing packing = Packing::plain;
  std::int64_t group = 0;  ///< inputs that share a scale; 0: all
  bool operator==(Quantisation const&) const = default;
};

/// A tensor that a packed weight is made of.
struct PackedTensor {
  std::string_view suffix;  ///< of the module
  std::string_view dtype;   ///< of safetensors; empty: F32, BF16 or F16
  std::vector<std::int64_t> shape;
};

/// The tensors of a packed weight [out, in], the numbers first. `how` is not plain.
[[nodiscard]] std::vector<PackedTensor> packed_tensors(Quantisation const& how, std::int64_t out,
                                                       std::int64_t in);
/// Whether experts stay packed in memory. What they take there: float32 for scales.
[[nodiscard]] bool stays_packed(Packing packing);
[[nodiscard]] std::int64_t packed_bytes(Quantisation const& how, std::int64_t out, std::int64_t in);

/// Side of the square blocks that share a scale in block FP8.
inline constexpr std::int64_t fp8_block = 128;

}  // namespace moerae
