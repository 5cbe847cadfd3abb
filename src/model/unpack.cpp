// Weights of few bits to numbers. Sources: DeepSeek-V3 (weight_dequant), compressed-tensors (naive_quantized,
// pack_quantized), AutoGPTQ (QuantLinear.forward of the torch backend), AutoAWQ (packing_utils, gemm).

#include "moerae/base/check.hpp"
#include "moerae/model/linear.hpp"

namespace moerae {
namespace {

// index_select, which the meta device does not have
torch::Tensor pick(torch::Tensor const& from, std::int64_t axis, torch::Tensor const& index) {
  c10::List<std::optional<torch::Tensor>> at_axes;
  for (std::int64_t i = 0; i < axis; ++i) at_axes.push_back(std::nullopt);
  at_axes.push_back(index);
  return from.index(at_axes);
}

// The eight numbers of every int32 along a new last axis.
torch::Tensor nibbles(torch::Tensor const& words) {
  auto const shifts = torch::arange(0, 32, 4, words.options());
  return torch::bitwise_and(torch::bitwise_right_shift(words.unsqueeze(-1), shifts), 15);
}

// [.., n / 8] of columns eight in a word -> [.., n]
torch::Tensor columns(torch::Tensor const& words, std::int64_t n) {
  return nibbles(words).flatten(-2).narrow(-1, 0, n);
}

// The same of AutoAWQ, where output 8 c + j is number order[j] of word c.
torch::Tensor awq_columns(torch::Tensor const& words, std::int64_t n) {
  auto const order = torch::tensor({0, 4, 1, 5, 2, 6, 3, 7}, words.options());
  return pick(nibbles(words), words.dim(), order).flatten(-2).narrow(-1, 0, n);
}

// Which group every input belongs to, where they follow one another.
torch::Tensor in_order(QuantisedWeight const& w) {
  auto const inputs = torch::arange(w.in, w.parts[0].options().dtype(torch::kInt64));
  return w.how.group == 0 ? torch::zeros_like(inputs) : inputs.div(w.how.group, "floor");
}

// codes [in, out], zeros and scales [groups, out], group [in] -> [out, in]
torch::Tensor of_groups(torch::Tensor const& codes, torch::Tensor const& zeros, torch::Tensor const& scales,
                        torch::Tensor const& group) {
  auto const shifted = (codes - pick(zeros, 0, group)).to(torch::kFloat32);
  return (shifted * pick(scales, 0, group)).t();
}

torch::Tensor block_fp8(QuantisedWeight const& w) {
  auto const spread = w.parts[1].repeat_interleave(fp8_block, 0).repeat_interleave(fp8_block, 1);
  return w.parts[0].to(torch::kFloat32) * spread.narrow(0, 0, w.out).narrow(1, 0, w.in);
}

torch::Tensor gptq(QuantisedWeight const& w) {
  auto const codes = nibbles(w.parts[0]).transpose(1, 2).flatten(0, 1).narrow(0, 0, w.in);  // [in, out]
  auto zeros = columns(w.parts[1], w.out);
  if (w.how.packing == Packing::gptq) zeros = torch::bitwise_and(zeros + 1, 15);
  return of_groups(codes, zeros, w.parts[2], w.parts[3].to(torch::kInt64));
}

torch::Tensor awq(QuantisedWeight const& w) {
  return of_groups(awq_columns(w.parts[0], w.out), awq_columns(w.parts[1], w.out), w.parts[2], in_order(w));
}

torch::Tensor int4(QuantisedWeight const& w) {
  auto const numbers = (columns(w.parts[0], w.in) - 8).to(torch::kFloat32);
  return numbers * pick(w.parts[1], 1, in_order(w));
}

torch::Tensor numbers(QuantisedWeight const& w) {
  switch (w.how.packing) {
    case Packing::plain:
      break;
    case Packing::block_fp8:
      return block_fp8(w);
    case Packing::channel_fp8:
      return w.parts[0].to(torch::kFloat32) * w.parts[1];
    case Packing::gptq:
    case Packing::gptq_v2:
      return gptq(w);
    case Packing::awq:
      return awq(w);
    case Packing::int4:
      return int4(w);
  }
  throw Error("a plain weight is not unpacked");
}

}  // namespace

torch::Tensor QuantisedWeight::unpack(torch::Dtype dtype) const {
  return numbers(*this).to(dtype);
}

}  // namespace moerae
