#pragma once

#include "model/families/family.hpp"

namespace moerae {

/// What differs between families in reading the rotary embedding.
struct RopeDefaults {
  double theta = 10000;
  std::optional<double> partial;    ///< share of a head that is rotated where the file says nothing; a family
                                    ///< without this value rotates whole heads
  std::optional<RopeSpec> scaling;  ///< where the file has no rope parameters at all
};

/// The rotary embedding of both dialects: `rope_parameters` (transformers 5) or `rope_theta` and
/// `rope_scaling` (published files), after standardize_rope_params and the functions of modeling_rope_utils.
/// `head_dim` is the part of a head it may rotate. Throws DataError for an unknown type.
[[nodiscard]] RopeSpec read_rope(Config const&, std::int64_t head_dim, RopeDefaults const& = {});

/// The object that holds the scaling: `rope_scaling` or `rope_parameters`, in the reference's order.
[[nodiscard]] std::optional<Config> rope_object(Config const&);

/// YaRN's magnitude 0.1 mscale ln(factor) + 1 (arXiv 2309.00071, eq. 22), 1 where nothing is stretched.
[[nodiscard]] double yarn_magnitude(double factor, double mscale);

/// How `num_key_value_heads` is read where it is absent or null.
enum class KvHeads { required, as_heads };

/// heads, kv_heads, head_dim = `head_dim` or hidden / heads, scale head_dim^-1/2, rope. No biases, norms or
/// windows. `head_dim`: whether null stands for hidden / heads.
[[nodiscard]] AttentionSpec plain_attention(Config const&, ModelPlan const&, KvHeads,
                                            RopeDefaults const& = {}, Null head_dim = Null::refused);

/// Multi-head latent attention with YaRN's magnitude in the attention scale (DeepSeek-V2 and -V3).
[[nodiscard]] AttentionSpec latent_attention(Config const&, bool interleaved);

/// experts (`num_experts`, `num_local_experts` or `n_routed_experts`) and `num_experts_per_tok`.
[[nodiscard]] RouterSpec plain_router(Config const&);

/// Router of DeepSeek-V3 and GLM-4.5: sigmoid, correction bias, groups by the sum of their best two.
[[nodiscard]] RouterSpec sigmoid_router(Config const&, std::int64_t groups, std::int64_t top_groups,
                                        double scale);

/// The shared experts of the DeepSeek line: `n_shared_experts` experts side by side in one MLP; none at 0;
/// `null` stands for the fallback or is refused.
[[nodiscard]] std::optional<SharedSpec> side_by_side(Config const&, std::int64_t fallback,
                                                     Null null = Null::refused);

/// Layers from `first_k_dense_replace` on are MoE, the ones before dense of `intermediate_size`.
void push_layers_dense_first(Config const&, std::int64_t fallback, AttentionSpec const&, MoeSpec const&,
                             ModelPlan&);

/// MoE where (layer + 1) is a multiple of `decoder_sparse_step` and not in `mlp_only_layers` (Qwen).
void push_layers_by_step(Config const&, AttentionSpec const&, MoeSpec const&, ModelPlan&);

/// Every layer is MoE of `intermediate_size`, under the names of Mixtral (`block_sparse_moe`, w1, w3, w2).
void push_sparse_blocks(Config const&, AttentionSpec const&, MoeSpec, ModelPlan&);

/// `layer_types`: the sliding window goes to "sliding_attention" layers of a finished plan; `fallback` says
/// which those are where the file does not.
void set_windows(Config const&, std::int64_t window, bool (*fallback)(std::int64_t layer), ModelPlan&);

/// Multi-token-prediction layers behind the last one are known extras.
void skip_prediction_layers(Config const&, ModelPlan&);

}  // namespace moerae
