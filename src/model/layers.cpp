#include "moerae/model/layers.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>

#include <cmath>

namespace moerae {

torch::Tensor rms_norm(torch::Tensor const& x, torch::Tensor const& weight, double eps) {
  auto const wide = x.to(torch::kFloat32);
  auto const variance = wide.pow(2).mean(-1, /*keepdim=*/true);
  return weight * (wide * torch::rsqrt(variance + eps)).to(x.scalar_type());
}

Rope::Rope(torch::Tensor const& positions, std::int64_t head_dim, double theta, torch::Dtype dtype) {
  auto const exponent = torch::arange(0, head_dim, 2, positions.options().dtype(torch::kFloat32)) /
                        static_cast<double>(head_dim);
  auto const frequency = 1.0 / torch::pow(theta, exponent);                                 // [d / 2]
  auto const angle = positions.to(torch::kFloat32).unsqueeze(-1) * frequency.unsqueeze(0);  // [T, d / 2]
  auto const both = at::cat({angle, angle}, -1).unsqueeze(1);                               // [T, 1, d]
  cos_ = both.cos().to(dtype);
  sin_ = both.sin().to(dtype);
}

torch::Tensor Rope::operator()(torch::Tensor const& x) const {
  auto const half = x.size(-1) / 2;
  auto const rotated = at::cat({-x.narrow(-1, half, half), x.narrow(-1, 0, half)}, -1);
  return x * cos_ + rotated * sin_;
}

torch::Tensor attention(torch::Tensor const& x, AttentionWeights const& weights, AttentionSpec const& spec,
                        double norm_eps, PackedBatch const& batch, Rope const& rope) {
  auto const tokens = x.size(0);
  std::int64_t const q_size = spec.heads * spec.head_dim, kv_size = spec.kv_heads * spec.head_dim;
  auto const qkv = at::linear(x, weights.qkv, weights.qkv_bias);  // [T, q + 2 kv]
  auto const norm_and_clip = [&](torch::Tensor part, torch::Tensor const& norm, std::int64_t heads) {
    if (norm.defined() && spec.qk_norm == QkNorm::whole_projection) part = rms_norm(part, norm, norm_eps);
    if (spec.clip_qkv) part = part.clamp(-*spec.clip_qkv, *spec.clip_qkv);
    part = part.reshape({tokens, heads, spec.head_dim});
    if (norm.defined() && spec.qk_norm == QkNorm::per_head) part = rms_norm(part, norm, norm_eps);
    return part;  // [T, heads, d]
  };
  auto const q = rope(norm_and_clip(qkv.narrow(1, 0, q_size), weights.q_norm, spec.heads))
                     .transpose(0, 1);  // [heads, T, d]
  auto const k =
      rope(norm_and_clip(qkv.narrow(1, q_size, kv_size), weights.k_norm, spec.kv_heads)).transpose(0, 1);
  auto const v = norm_and_clip(qkv.narrow(1, q_size + kv_size, kv_size), {}, spec.kv_heads).transpose(0, 1);

  std::vector<torch::Tensor> parts;
  parts.reserve(batch.sequences());
  for (std::size_t s = 0; s < batch.sequences(); ++s) {
    auto const first = batch.offsets[s], length = batch.offsets[s + 1] - batch.offsets[s];
    auto const own = [&](torch::Tensor const& part) {
      return part.narrow(1, first, length).unsqueeze(0);
    };  // [1, heads, t, d]
    parts.push_back(at::scaled_dot_product_attention(
                        own(q), own(k), own(v), /*attn_mask=*/{}, /*dropout_p=*/0.0,
                        /*is_causal=*/true, 1.0 / std::sqrt(static_cast<double>(spec.head_dim)),
                        /*enable_gqa=*/spec.heads != spec.kv_heads)
                        .squeeze(0)
                        .transpose(0, 1));  // [t, heads, d]
  }
  auto const mixed = parts.empty() ? x.new_empty({0, q_size}) : at::cat(parts).reshape({tokens, q_size});
  return at::linear(mixed, weights.out, weights.out_bias);
}

torch::Tensor gated_mlp(torch::Tensor const& x, MlpWeights const& weights) {
  auto const both = at::linear(x, weights.gate_up).chunk(2, -1);
  return at::linear(at::silu(both[0]) * both[1], weights.down);
}

}  // namespace moerae
