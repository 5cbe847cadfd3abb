#include "model/attention.hpp"

#include <ATen/ops/scaled_dot_product_attention.h>

#include <algorithm>
#include <limits>

#include "model/layers.hpp"

namespace moerae {
namespace {

struct Heads {
  torch::Tensor q, k, v;  // [heads, T, d], [kv_heads, T, d], [kv_heads, T, value_dim]
};

// One projection for all three; norms and clipping before the rotation.
Heads direct_heads(torch::Tensor const& x, AttentionWeights const& w, AttentionSpec const& spec, double eps,
                   Rope const& rope) {
  auto const qkv = linear(x, w.qkv);  // [T, q + 2 kv]
  auto const part = [&](std::int64_t start, std::int64_t heads, torch::Tensor const& norm) {
    auto out = qkv.narrow(1, start, heads * spec.head_dim);
    if (norm.defined() && spec.qk_norm == QkNorm::whole_projection) out = rms_norm(out, norm, eps);
    if (spec.clip_qkv) out = out.clamp(-*spec.clip_qkv, *spec.clip_qkv);
    out = out.reshape({x.size(0), heads, spec.head_dim});
    if (norm.defined() && spec.qk_norm == QkNorm::per_head) out = rms_norm(out, norm, eps);
    return out;  // [T, heads, d]
  };
  std::int64_t const q_size = spec.heads * spec.head_dim, kv_size = spec.kv_heads * spec.head_dim;
  return {rope(part(0, spec.heads, w.q_norm)).transpose(0, 1),
          rope(part(q_size, spec.kv_heads, w.k_norm)).transpose(0, 1),
          part(q_size + kv_size, spec.kv_heads, {}).transpose(0, 1)};
}

// Latent attention: keys and values from a common low-rank vector, one rotated key for all heads.
Heads latent_heads(torch::Tensor const& x, AttentionWeights const& w, AttentionSpec const& spec,
                   Rope const& rope) {
  auto const& latent = *spec.latent;
  auto const tokens = x.size(0), rotated = spec.head_dim - latent.nope_dim;
  auto const query_input = latent.q_rank > 0 ? rms_norm(linear(x, w.q_a), w.q_a_norm, latent.norm_eps) : x;
  auto const q = linear(query_input, w.q_b).reshape({tokens, spec.heads, spec.head_dim});
  auto const compressed = linear(x, w.kv_a);  // [T, kv_rank + rotated]
  auto const kv =
      linear(rms_norm(compressed.narrow(1, 0, latent.kv_rank), w.kv_a_norm, latent.norm_eps), w.kv_b)
          .reshape({tokens, spec.heads, latent.nope_dim + spec.value_dim});
  auto const key =
      rope(compressed.narrow(1, latent.kv_rank, rotated).unsqueeze(1)).expand({tokens, spec.heads, rotated});
  auto const query = rope(q.narrow(2, latent.nope_dim, rotated));
  return {torch::cat({q.narrow(2, 0, latent.nope_dim), query}, 2).transpose(0, 1),
          torch::cat({kv.narrow(2, 0, latent.nope_dim), key}, 2).transpose(0, 1),
          kv.narrow(2, latent.nope_dim, spec.value_dim).transpose(0, 1)};
}

// Blocks of queries against the keys they can see: for windows, whose cost it keeps linear, and for sinks.
// One sequence: q [heads, t, d] -> [heads, t, value_dim].
torch::Tensor blockwise(Heads const& h, torch::Tensor const& sinks, AttentionSpec const& spec) {
  constexpr std::int64_t block = 256;
  auto const length = h.q.size(1), group = spec.heads / spec.kv_heads;
  auto const window = spec.window.value_or(length);
  std::vector<torch::Tensor> out;
  for (std::int64_t start = 0; start < length; start += block) {
    auto const rows = std::min(block, length - start), first = std::max<std::int64_t>(0, start - window + 1);
    auto const keys = start + rows - first;
    auto const q = h.q.narrow(1, start, rows).reshape({spec.kv_heads, group, rows, spec.head_dim});
    auto const k = h.k.narrow(1, first, keys).unsqueeze(1), v = h.v.narrow(1, first, keys).unsqueeze(1);
    auto scores = torch::matmul(q, k.transpose(-1, -2)) * spec.scale;  // [kv_heads, group, rows, keys]
    auto const row = torch::arange(start, start + rows, q.options().dtype(torch::kInt64)).unsqueeze(1);
    auto const column = torch::arange(first, first + keys, q.options().dtype(torch::kInt64)).unsqueeze(0);
    scores = scores.masked_fill((column > row) | (column <= row - window),
                                -std::numeric_limits<double>::infinity());
    if (sinks.defined())
      scores =
          torch::cat({scores, sinks.reshape({spec.kv_heads, group, 1, 1}).expand({-1, -1, rows, 1})}, -1);
    auto const share = torch::softmax(scores, -1, torch::kFloat32).to(h.v.scalar_type()).narrow(-1, 0, keys);
    out.push_back(torch::matmul(share, v).reshape({spec.heads, rows, spec.value_dim}));
  }
  return torch::cat(out, 1);
}

torch::Tensor one_sequence(Heads const& h, AttentionWeights const& w, AttentionSpec const& spec) {
  bool const windowed = spec.window && *spec.window < h.q.size(1);
  if (windowed || spec.sinks) return blockwise(h, w.sinks, spec);
  return at::scaled_dot_product_attention(h.q.unsqueeze(0), h.k.unsqueeze(0), h.v.unsqueeze(0),
                                          /*attn_mask=*/{},
                                          /*dropout_p=*/0.0, /*is_causal=*/true, spec.scale,
                                          /*enable_gqa=*/spec.heads != spec.kv_heads)
      .squeeze(0);
}

}  // namespace

torch::Tensor attention(torch::Tensor const& x, AttentionWeights const& weights, AttentionSpec const& spec,
                        double norm_eps, Rows const& rows, Rope const& rope) {
  auto const heads =
      spec.latent ? latent_heads(x, weights, spec, rope) : direct_heads(x, weights, spec, norm_eps, rope);
  std::vector<torch::Tensor> parts;
  parts.reserve(rows.sequences.size());
  for (auto const& sequence : rows.sequences) {
    auto const own = [&](torch::Tensor const& part) {
      return part.narrow(1, sequence.first, sequence.count);
    };
    parts.push_back(one_sequence({own(heads.q), own(heads.k), own(heads.v)}, weights, spec)
                        .transpose(0, 1));  // [t, heads, value_dim]
  }
  auto const width = spec.heads * spec.value_dim;
  auto const mixed = parts.empty() ? x.new_empty({0, width}) : torch::cat(parts).reshape({x.size(0), width});
  return linear(mixed, weights.out);
}

}  // namespace moerae
