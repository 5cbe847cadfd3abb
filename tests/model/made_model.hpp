#pragma once

#include <torch/types.h>

#include <vector>

#include "moerae/model/plan.hpp"
#include "moerae/model/rows.hpp"
#include "moerae/model/weights.hpp"

namespace moerae::test {

/// Plain attention: queries, keys and values of one size, rotated whole.
inline AttentionSpec made_attention(std::int64_t heads, std::int64_t kv_heads, std::int64_t size,
                                    double scale) {
  AttentionSpec attention;
  attention.heads = heads;
  attention.kv_heads = kv_heads;
  attention.head_dim = attention.value_dim = attention.rope.dim = size;
  attention.scale = scale;
  return attention;
}

/// A tiny model that has a bit of everything a layer can be: a dense layer, windows, normed heads, a scaled
/// residual stream, gated shared experts; 7 experts, 3 a token.
inline ModelPlan made_plan() {
  ModelPlan plan;
  plan.vocabulary = 50;
  plan.hidden = 12;
  plan.residual_scale = 0.7;
  plan.embedding_scale = 1.5;
  auto attention = made_attention(4, 2, 6, 0.4);
  attention.qk_norm = QkNorm::per_head;
  MoeSpec moe;
  moe.router.experts = 7;
  moe.router.top_k = 3;
  moe.router.renormalise = true;
  moe.intermediate = 5;
  moe.shared = SharedSpec{8, true};
  auto windowed = attention;
  windowed.window = 4;
  plan.layers = {{attention, DenseSpec{10}}, {attention, moe}, {windowed, moe}, {attention, moe}};
  return plan;
}

/// Weights of the plan for one member of an expert group: the same numbers whatever the width.
inline ModelWeights made_weights(ModelPlan const& plan, int member = 0, int width = 1) {
  torch::manual_seed(17);
  auto const h = plan.hidden;
  auto const map = [](std::int64_t out, std::int64_t in) {
    return LinearWeights{torch::randn({out, in}) * std::sqrt(2.0 / static_cast<double>(in)), {}, {}};
  };
  auto const norm = [](std::int64_t n) { return torch::rand({n}) + 0.5; };
  auto const mlp = [&](std::int64_t inner) { return MlpWeights{map(2 * inner, h), map(h, inner)}; };
  ModelWeights out;
  out.embedding = torch::randn({plan.vocabulary, h});
  out.final_norm = {norm(h), {}};
  for (auto const& spec : plan.layers) {
    auto const& a = spec.attention;
    LayerWeights layer;
    layer.input_norm = {norm(h), {}};
    layer.post_norm = {norm(h), {}};
    layer.attention.qkv = map((a.heads + 2 * a.kv_heads) * a.head_dim, h);
    layer.attention.out = map(h, a.heads * a.value_dim);
    layer.attention.q_norm = norm(a.head_dim);
    layer.attention.k_norm = norm(a.head_dim);
    if (auto const* moe = spec.moe()) {
      ExpertShare const share{moe->router.experts, width};
      MoeWeights own;
      own.router = map(moe->router.experts, h);
      own.first = share.first(member);
      for (std::int64_t e = 0; e < moe->router.experts; ++e) {
        auto expert = mlp(moe->intermediate);
        if (share.owner(e) == member) own.experts.push_back(std::move(expert));
      }
      own.shared = mlp(moe->shared->intermediate);
      own.shared_switch = torch::randn({1, h});
      layer.feed_forward = std::move(own);
    } else {
      layer.feed_forward = mlp(std::get<DenseSpec>(spec.feed_forward).intermediate);
    }
    out.layers.push_back(std::move(layer));
  }
  out.head = map(plan.vocabulary, h);
  return out;
}

/// Tokens of a sequence, a function of the seed.
inline std::vector<std::uint32_t> made_tokens(std::size_t n, std::uint32_t seed) {
  std::vector<std::uint32_t> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    seed = seed * 1664525U + 1013904223U;
    out[i] = (seed >> 16) % 50;
  }
  return out;
}

}  // namespace moerae::test
