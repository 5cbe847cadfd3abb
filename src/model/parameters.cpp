#include "moerae/model/plan.hpp"

namespace moerae {
namespace {

// A linear layer, in by out, with or without bias.
std::int64_t linear(std::int64_t in, std::int64_t out, bool bias = false) {
  return in * out + (bias ? out : 0);
}

std::int64_t attention(AttentionSpec const& a, std::int64_t hidden) {
  auto const q = a.heads * a.head_dim, kv = a.kv_heads * a.head_dim, values = a.kv_heads * a.value_dim;
  auto count = linear(a.heads * a.value_dim, hidden, a.out_bias) + (a.sinks ? a.heads : 0);
  if (a.qk_norm == QkNorm::per_head) count += 2 * a.head_dim;
  if (a.qk_norm == QkNorm::whole_projection) count += q + kv;
  if (!a.latent)
    return count + linear(hidden, q, a.bias) + linear(hidden, kv, a.bias) + linear(hidden, values, a.bias);
  auto const& l = *a.latent;
  auto const rotated = a.head_dim - l.nope_dim;
  count +=
      l.q_rank == 0 ? linear(hidden, q) : linear(hidden, l.q_rank, a.bias) + l.q_rank + linear(l.q_rank, q);
  return count + linear(hidden, l.kv_rank + rotated, a.bias) + l.kv_rank +
         linear(l.kv_rank, a.heads * (l.nope_dim + a.value_dim));
}

// gate, up and down of one MLP
std::int64_t mlp(std::int64_t hidden, std::int64_t intermediate, bool bias = false) {
  return 2 * linear(hidden, intermediate, bias) + linear(intermediate, hidden, bias);
}

}  // namespace

ParameterCount count_parameters(ModelPlan const& plan) {
  auto const hidden = plan.hidden, norm = plan.norm.layer_norm ? 2 * hidden : hidden;
  ParameterCount out;
  out.embeddings = plan.vocabulary * hidden;
  if (!plan.tied_embeddings) out.embeddings += plan.vocabulary * hidden;
  if (plan.head_bias) out.embeddings += plan.vocabulary;

  std::int64_t every = out.embeddings + norm;  // what every token passes through
  std::int64_t chosen = 0, all = 0;            // routed experts
  for (auto const& layer : plan.layers) {
    every += attention(layer.attention, hidden) + 2 * norm;
    auto const* moe = layer.moe();
    if (!moe) {
      every += mlp(hidden, std::get<DenseSpec>(layer.feed_forward).intermediate);
      continue;
    }
    every += linear(hidden, moe->router.experts, moe->router.bias);
    if (moe->shared) every += mlp(hidden, moe->shared->intermediate) + (moe->shared->gated ? hidden : 0);
    auto const expert = mlp(hidden, moe->intermediate, moe->bias);
    chosen += moe->router.top_k * expert;
    all += moe->router.experts * expert;
  }
  out.total = every + all;
  out.active = every + chosen;
  return out;
}

}  // namespace moerae
