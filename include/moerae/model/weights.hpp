#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "moerae/model/plan.hpp"
#include "moerae/model/safetensors.hpp"

namespace moerae {

// H hidden, I intermediate, q = heads * head_dim, kv = kv_heads * head_dim. Linear weights are [out, in].

/// A gated MLP, dense or of one expert; gate and up are one tensor so that one product serves both.
struct MlpWeights {
  torch::Tensor gate_up;  // [2 I, H]
  torch::Tensor down;     // [H, I]
};

/// The experts of one layer this rank owns: first .. first + experts.size() - 1.
struct MoeWeights {
  torch::Tensor router;  // [K, H]
  std::int64_t first = 0;
  std::vector<MlpWeights> experts;
};

struct AttentionWeights {
  torch::Tensor qkv, qkv_bias;   // [q + 2 kv, H], [q + 2 kv] or undefined
  torch::Tensor out, out_bias;   // [H, q], [H] or undefined
  torch::Tensor q_norm, k_norm;  // undefined without q/k norm
};

struct LayerWeights {
  torch::Tensor input_norm, post_norm;  // [H]
  AttentionWeights attention;
  std::variant<MlpWeights, MoeWeights> feed_forward;
};

struct ModelWeights {
  torch::Tensor embedding;   // [V, H]
  torch::Tensor final_norm;  // [H]
  std::vector<LayerWeights> layers;
};

/// The routed experts of one layer as they are spread over an expert group: contiguous blocks, as even as can
/// be.
struct ExpertShare {
  std::int64_t experts = 0;
  int width = 1;
  [[nodiscard]] std::int64_t first(int member) const { return experts * member / width; }
  [[nodiscard]] int owner(std::int64_t expert) const;
};

/// What `load_weights` read: the weights, and per tensor this rank owns its hash (member 0 owns what all
/// hold).
struct LoadedWeights {
  ModelWeights weights;
  std::map<std::string, std::string> hashes;  ///< XXH3-128 over name, dtype, shape and bytes, hexadecimal
  std::int64_t bytes_read = 0;
};

/// Reads what the rank `member` of an expert group of `width` needs, as `dtype`. Throws DataError.
[[nodiscard]] LoadedWeights load_weights(ModelPlan const& plan, Checkpoint const& checkpoint,
                                         torch::Dtype dtype, int member, int width);

/// Bytes `load_weights` would hold for the fullest member, without reading.
[[nodiscard]] std::int64_t resident_bytes(ModelPlan const& plan, std::int64_t element_bytes, int width);

}  // namespace moerae
