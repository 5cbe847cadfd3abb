#include "moerae/model/quantised.hpp"

#include <functional>
#include <numeric>

#include "moerae/model/safetensors.hpp"

namespace moerae {
namespace {

constexpr std::int64_t in_word = 8;  // four-bit numbers in an int32

std::int64_t parts(std::int64_t of, std::int64_t size) {
  return (of + size - 1) / size;
}

}  // namespace

std::vector<PackedTensor> packed_tensors(Quantisation const& how, std::int64_t out, std::int64_t in) {
  auto const groups = how.group == 0 ? 1 : parts(in, how.group);
  auto const outs = parts(out, in_word), ins = parts(in, in_word);
  switch (how.packing) {
    case Packing::plain:
      break;
    case Packing::block_fp8:
      return {{".weight", "F8_E4M3", {out, in}},
              {".weight_scale_inv", "", {parts(out, fp8_block), parts(in, fp8_block)}}};
    case Packing::channel_fp8:
      return {{".weight", "F8_E4M3", {out, in}}, {".weight_scale", "", {out, 1}}};
    case Packing::gptq:
    case Packing::gptq_v2:
      return {{".qweight", "I32", {ins, out}},
              {".qzeros", "I32", {groups, outs}},
              {".scales", "", {groups, out}},
              {".g_idx", "I32", {in}}};
    case Packing::awq:
      return {{".qweight", "I32", {in, outs}},
              {".qzeros", "I32", {groups, outs}},
              {".scales", "", {groups, out}}};
    case Packing::int4:
      return {{".weight_packed", "I32", {out, ins}},
              {".weight_scale", "", {out, groups}},
              {".weight_shape", "I64", {2}}};
  }
  return {};
}

bool stays_packed(Packing packing) {
  return packing != Packing::plain && packing != Packing::block_fp8;
}

std::int64_t packed_bytes(Quantisation const& how, std::int64_t out, std::int64_t in) {
  std::int64_t bytes = 0;
  for (auto const& [suffix, dtype, shape] : packed_tensors(how, out, in))
    bytes += std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>()) *
             static_cast<std::int64_t>(safetensors_size(dtype.empty() ? "F32" : dtype));
  return bytes;
}

}  // namespace moerae
