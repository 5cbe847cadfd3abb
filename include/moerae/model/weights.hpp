#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "moerae/model/expert_share.hpp"
#include "moerae/model/linear.hpp"
#include "moerae/model/plan.hpp"

namespace moerae {

// V vocabulary, H hidden, I intermediate, K experts, q = heads * head_dim, kv = kv_heads * head_dim. Linear
// weights are [out, in].

struct NormWeights {
  torch::Tensor weight, bias;  // [H]; bias of a LayerNorm only
};

/// A gated MLP, dense or of one expert; gate and up are one map so that one product serves both.
struct MlpWeights {
  LinearWeights gate_up;  // [2 I, H], gate rows first
  LinearWeights down;     // [H, I]
};

/// The experts of one layer this rank owns: first .. first + experts.size() - 1.
struct MoeWeights {
  LinearWeights router;           // [K, H]
  torch::Tensor correction_bias;  // [K] float32, or undefined
  std::int64_t first = 0;
  std::vector<MlpWeights> experts;
  ActivationSpec activation;
  std::optional<MlpWeights> shared;
  torch::Tensor shared_switch;  // [1, H], or undefined
};

struct AttentionWeights {
  LinearWeights qkv;                   // [q + 2 kv, H]; not with latent attention
  LinearWeights q_a, q_b, kv_a, kv_b;  // latent attention; q_a only with a query rank
  torch::Tensor q_a_norm, kv_a_norm;   // [rank]
  LinearWeights out;                   // [H, heads * value_dim]
  torch::Tensor q_norm, k_norm;        // undefined without q/k norm
  torch::Tensor sinks;                 // [heads], or undefined
};

struct LayerWeights {
  NormWeights input_norm, post_norm;
  AttentionWeights attention;
  std::variant<MlpWeights, MoeWeights> feed_forward;
};

/// What stands outside of the layers.
struct CommonWeights {
  torch::Tensor embedding;  // [V, H]
  NormWeights final_norm;
  LinearWeights head;  // [V, H]: the embedding itself where the plan ties them; undefined where not kept
};

struct ModelWeights : CommonWeights {
  std::vector<LayerWeights> layers;
};

}  // namespace moerae
