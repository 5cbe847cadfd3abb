#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "moerae/base/ids.hpp"
#include "moerae/model/quantised.hpp"
#include "moerae/model/weight_names.hpp"

namespace moerae {

/// Normalisation of the residual stream: RMSNorm, or LayerNorm with a bias.
struct NormSpec {
  bool layer_norm = false;
  double eps = 1e-6;
  bool operator==(NormSpec const&) const = default;
};

/// Rotary embedding with its scaling, as in transformers' modeling_rope_utils; all defaults are resolved by
/// the parser.
struct RopeSpec {
  enum class Scaling { none, linear, dynamic, yarn, longrope, llama3 };
  Scaling scaling = Scaling::none;
  double theta = 10000;
  /// Dimensions of a head that are rotated, the leading ones (of a latent head those behind nope_dim):
  /// int(head_dim * partial_rotary_factor). The angles follow theta^(-2i/dim); an odd dim rotates one more.
  std::int64_t dim = 0;
  bool interleaved = false;  ///< pairs (0,1), (2,3), ... instead of (0, d/2), (1, d/2 + 1), ...
  double factor = 1;
  double attention_factor = 1;                      ///< of cos and sin (longrope: of short prompts)
  double long_attention_factor = 1;                 ///< longrope: of prompts beyond original_positions
  double beta_fast = 32, beta_slow = 1;             ///< yarn
  bool truncate = true;                             ///< yarn: whole numbers for the correction range
  double low_frequency = 1, high_frequency = 4;     ///< llama3
  std::int64_t original_positions = 0;              ///< length trained on before the scaling
  std::vector<double> short_factors, long_factors;  ///< longrope, [dim / 2]
  [[nodiscard]] std::int64_t rotated() const { return dim + dim % 2; }
  bool operator==(RopeSpec const&) const = default;
};

/// Which vectors the RMSNorm of queries and keys runs over.
enum class QkNorm { none, per_head, whole_projection };

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): keys and values come from a common low-rank
/// vector.
struct LatentSpec {
  std::int64_t q_rank = 0;  ///< 0: queries are projected directly
  std::int64_t kv_rank = 0;
  std::int64_t nope_dim = 0;  ///< part of a head without position; the rest of head_dim is rotated
  double norm_eps = 1e-6;  ///< of the norms on the low-rank vectors: transformers does not take rms_norm_eps
  bool operator==(LatentSpec const&) const = default;
};

struct AttentionSpec {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;   ///< divides heads
  std::int64_t head_dim = 0;   ///< of queries and keys
  std::int64_t value_dim = 0;  ///< of values; = head_dim but for latent attention
  bool bias = false;           ///< on the q, k, v projections (latent: on the compressing ones)
  bool out_bias = false;
  QkNorm qk_norm = QkNorm::none;
  std::optional<double> clip_qkv;  ///< clamp of q, k, v after their norm
  RopeSpec rope;
  double scale = 0;                    ///< of the products q k; usually head_dim^-1/2
  std::optional<std::int64_t> window;  ///< a position sees itself and window - 1 before it
  bool sinks = false;                  ///< a learned logit per head takes part in the softmax (gpt-oss)
  std::optional<LatentSpec> latent;
  bool operator==(AttentionSpec const&) const = default;
};

/// Router policy. Selection: scores of all experts (softmax or sigmoid of the logits, or the logits
/// themselves), plus the correction bias, restricted to the best groups, the k largest (ties: lowest id).
/// Weights: from the scores without bias.
struct RouterSpec {
  enum class Score { softmax, sigmoid, logits };
  enum class Weight {
    score,              ///< the scores of the chosen
    softmax_of_chosen,  ///< softmax over the logits of the chosen
    sparse_mixer        ///< Phi-3.5-MoE (arXiv 2409.12136): softmax over near ties of each pick; top-2
  };
  enum class GroupScore { best, sum_of_two };
  std::int64_t experts = 0;
  std::int64_t top_k = 0;
  Score score = Score::softmax;
  Weight weight = Weight::score;
  bool renormalise = false;  ///< weights divided by their sum (+ renormalise_eps)
  double renormalise_eps = 0;
  double scale = 1;  ///< routed_scaling_factor, on the weights
  std::int64_t groups = 1, top_groups = 1;
  GroupScore group_score = GroupScore::best;
  bool bias = false;             ///< on the logits
  bool correction_bias = false;  ///< on the selection score only
  bool float32_logits = false;   ///< logits, scores and weights stay in float32
  bool float32_weights = false;  ///< weights stay in float32, whatever the logits are in
  double jitter = 0.01;          ///< sparse_mixer
  bool operator==(RouterSpec const&) const = default;
};

/// y = down(act(gate(x)) * up(x)), or the clamped form of gpt-oss: (up + 1) * gate * sigmoid(alpha gate),
/// gate <= limit, |up| <= limit.
struct ActivationSpec {
  bool clamped = false;
  double alpha = 1.702, limit = 7;
  bool operator==(ActivationSpec const&) const = default;
};

struct DenseSpec {
  std::int64_t intermediate = 0;
  bool operator==(DenseSpec const&) const = default;
};

/// Experts every token passes through, as one wide MLP; `gated` by sigmoid(x w).
struct SharedSpec {
  std::int64_t intermediate = 0;
  bool gated = false;
  bool operator==(SharedSpec const&) const = default;
};

struct MoeSpec {
  RouterSpec router;
  std::int64_t intermediate = 0;  ///< of one expert
  ActivationSpec activation;
  bool bias = false;  ///< on the projections of the experts
  std::optional<SharedSpec> shared;
  bool operator==(MoeSpec const&) const = default;
};

struct LayerSpec {
  AttentionSpec attention;
  std::variant<DenseSpec, MoeSpec> feed_forward;
  [[nodiscard]] MoeSpec const* moe() const { return std::get_if<MoeSpec>(&feed_forward); }
  bool operator==(LayerSpec const&) const = default;
};

/// A model as data: everything the one decoder needs to know about a family (design decision 1).
struct ModelPlan {
  std::string family;
  std::string dtype;  ///< of the checkpoint: float32 | bfloat16 | float16
  std::int64_t vocabulary = 0;
  std::int64_t hidden = 0;
  std::int64_t positions = 0;  ///< that it was made for (max_position_embeddings); 0: not said
  NormSpec norm;
  bool tied_embeddings = false;
  bool head_bias = false;
  double embedding_scale = 1;  ///< on the embeddings (Granite)
  double residual_scale = 1;   ///< on what attention and feed-forward add to the residual stream (Granite)
  double logit_divisor = 1;    ///< logits of the vocabulary are divided by it (Granite's logits_scaling)
  Quantisation quantisation;   ///< of the linear weights, each of which may also be plain
  std::vector<LayerSpec> layers;
  WeightNames names;

  /// The MoE layers, ascending.
  [[nodiscard]] std::vector<LayerId> moe_layers() const;
  /// The router policy shared by all MoE layers. Throws DataError where layers differ or none is MoE.
  [[nodiscard]] RouterSpec router() const;
  bool operator==(ModelPlan const&) const = default;
};

/// Reads `folder/config.json`. Throws DataError that names file, field, value and expectation; an unknown
/// `model_type` lists the known families.
[[nodiscard]] ModelPlan read_plan(std::filesystem::path const& folder);

/// Parameters of the whole model, and those one token passes through (top-k of the routed experts), whatever
/// numbers the file packs them in. As in transformers' num_parameters, the correction bias of a router (a
/// buffer) and prediction layers beyond the last one do not count.
struct ParameterCount {
  std::int64_t total = 0;
  std::int64_t active = 0;
  std::int64_t embeddings = 0;  ///< input and output embeddings (tied: once), contained in both
};
[[nodiscard]] ParameterCount count_parameters(ModelPlan const& plan);

}  // namespace moerae
