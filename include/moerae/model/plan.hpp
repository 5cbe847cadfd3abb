#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "moerae/base/ids.hpp"

namespace moerae {

/// Which vectors the RMSNorm of queries and keys runs over.
enum class QkNorm { none, per_head, whole_projection };

struct AttentionSpec {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  ///< divides heads
  std::int64_t head_dim = 0;  ///< even
  bool bias = false;          ///< on q, k, v and output projections
  QkNorm qk_norm = QkNorm::none;
  std::optional<double> clip_qkv;  ///< clamp of q, k, v after their norm
  double rope_theta = 10000;
};

/// Router policy: softmax over all experts, the k largest (ties: lowest id), optionally rescaled to sum 1.
struct RouterSpec {
  std::int64_t experts = 0;
  std::int64_t top_k = 0;
  bool renormalise = false;
};

struct DenseSpec {
  std::int64_t intermediate = 0;
};

struct MoeSpec {
  RouterSpec router;
  std::int64_t intermediate = 0;  ///< of one expert
};

struct LayerSpec {
  AttentionSpec attention;
  std::variant<DenseSpec, MoeSpec> feed_forward;
  [[nodiscard]] MoeSpec const* moe() const { return std::get_if<MoeSpec>(&feed_forward); }
};

/// Names of the tensors in the checkpoint; `{expert}` is replaced. Those below `layer` follow
/// "<layer><index>.".
struct WeightNames {
  std::string embedding = "model.embed_tokens.weight";
  std::string final_norm = "model.norm.weight";
  std::string head = "lm_head.weight";
  std::string layer = "model.layers.";
  std::string input_norm = "input_layernorm.weight";
  std::string post_norm = "post_attention_layernorm.weight";
  std::string q = "self_attn.q_proj", k = "self_attn.k_proj", v = "self_attn.v_proj", o = "self_attn.o_proj";
  std::string q_norm = "self_attn.q_norm.weight", k_norm = "self_attn.k_norm.weight";
  std::string dense_gate = "mlp.gate_proj.weight", dense_up = "mlp.up_proj.weight",
              dense_down = "mlp.down_proj.weight";
  std::string router = "mlp.gate.weight";
  std::string expert_gate = "mlp.experts.{expert}.gate_proj.weight";
  std::string expert_up = "mlp.experts.{expert}.up_proj.weight";
  std::string expert_down = "mlp.experts.{expert}.down_proj.weight";
  std::vector<std::string> extras;  ///< tensors that may be present and are not used
};

/// A model as data: everything the one decoder needs to know about a family (design decision 1).
struct ModelPlan {
  std::string family;
  std::string dtype;  ///< of the checkpoint: float32 | bfloat16 | float16
  std::int64_t vocabulary = 0;
  std::int64_t hidden = 0;
  double norm_eps = 1e-6;
  bool tied_embeddings = false;
  std::vector<LayerSpec> layers;
  WeightNames names;

  /// The MoE layers, ascending.
  [[nodiscard]] std::vector<LayerId> moe_layers() const;
  /// The router policy shared by all MoE layers. Throws DataError where layers differ or none is MoE.
  [[nodiscard]] RouterSpec router() const;
};

/// Reads `folder/config.json`. Throws DataError that names file, field, value and expectation; an unknown
/// `model_type` lists the known families.
[[nodiscard]] ModelPlan read_plan(std::filesystem::path const& folder);

/// One tensor that the checkpoint must hold.
struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  std::optional<ExpertId> expert;  ///< set for the tensors of a routed expert: read by its owner only
};

/// Every tensor of the plan, in a fixed order. Linear weights are [out, in].
[[nodiscard]] std::vector<TensorSpec> tensor_specs(ModelPlan const& plan);

/// Full name of a tensor of one layer; of one expert of a layer.
[[nodiscard]] std::string layer_tensor(ModelPlan const& plan, LayerId layer, std::string const& name);
[[nodiscard]] std::string expert_tensor(ModelPlan const& plan, LayerId layer, std::string const& name,
                                        ExpertId expert);

/// Parameters of the whole model, and those one token passes through (top-k of the routed experts).
struct ParameterCount {
  std::int64_t total = 0;
  std::int64_t active = 0;
};
[[nodiscard]] ParameterCount count_parameters(ModelPlan const& plan);

}  // namespace moerae
