#include "model/attend.hpp"

#include <ATen/ops/scaled_dot_product_attention.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace moerae {
namespace {

// Blocks of queries against the keys they can see: for windows, whose cost it keeps linear, for sinks, and
// for several rows behind a past, which the causal mask of the fused path would set against the first keys.
torch::Tensor blockwise(Heads const& h, torch::Tensor const& sinks, AttentionSpec const& spec) {
  constexpr std::int64_t block = 256;
  auto const length = h.q.size(1), past = h.k.size(1) - length;
  auto const kv_heads = h.k.size(0), group = h.q.size(0) / kv_heads;
  auto const window = spec.window.value_or(h.k.size(1));
  std::vector<torch::Tensor> out;
  for (std::int64_t start = 0; start < length; start += block) {
    auto const rows = std::min(block, length - start), from = past + start,
               first = std::max<std::int64_t>(0, from - window + 1);
    auto const keys = from + rows - first;
    auto const q = h.q.narrow(1, start, rows).reshape({kv_heads, group, rows, h.q.size(2)});
    auto const k = h.k.narrow(1, first, keys).unsqueeze(1), v = h.v.narrow(1, first, keys).unsqueeze(1);
    auto scores = torch::matmul(q, k.transpose(-1, -2)) * spec.scale;  // [kv_heads, group, rows, keys]
    auto const row = torch::arange(from, from + rows, q.options().dtype(torch::kInt64)).unsqueeze(1);
    auto const column = torch::arange(first, first + keys, q.options().dtype(torch::kInt64)).unsqueeze(0);
    scores = scores.masked_fill((column > row) | (column <= row - window),
                                -std::numeric_limits<double>::infinity());
    if (sinks.defined())
      scores = torch::cat({scores, sinks.reshape({kv_heads, group, 1, 1}).expand({-1, -1, rows, 1})}, -1);
    auto const share = torch::softmax(scores, -1, torch::kFloat32).to(h.v.scalar_type()).narrow(-1, 0, keys);
    out.push_back(torch::matmul(share, v).reshape({h.q.size(0), rows, h.v.size(2)}));
  }
  return torch::cat(out, 1);
}

}  // namespace

torch::Tensor attend(Heads const& h, torch::Tensor const& sinks, AttentionSpec const& spec) {
  auto const length = h.q.size(1), keys = h.k.size(1);
  bool const windowed = spec.window.value_or(keys) < keys;
  bool const behind_past = length < keys;
  if (windowed || sinks.defined() || (behind_past && length > 1)) return blockwise(h, sinks, spec);
  return at::scaled_dot_product_attention(h.q.unsqueeze(0), h.k.unsqueeze(0), h.v.unsqueeze(0),
                                          /*attn_mask=*/{},
                                          /*dropout_p=*/0.0, /*is_causal=*/!behind_past, spec.scale,
                                          /*enable_gqa=*/h.q.size(0) != h.k.size(0))
      .squeeze(0);
}

}  // namespace moerae
