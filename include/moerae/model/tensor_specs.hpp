#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moerae/model/plan.hpp"

namespace moerae {

/// One tensor that the checkpoint must hold.
struct TensorSpec {
  enum class Kind {
    floating,  ///< F32, BF16 or F16
    linear,    ///< as floating, or packed as the plan says: then `packed_tensors` stand for it
    packed     ///< U8: parts of an MXFP4 tensor
  };
  std::string name;
  std::vector<std::int64_t> shape;
  Kind kind = Kind::floating;
  std::optional<ExpertId> expert = {};  ///< set for the tensors of one routed expert: read by its owner only
  bool per_expert = false;      ///< the first axis runs over the experts: every rank reads its own rows
  std::int64_t parameters = 1;  ///< in one element: two in a byte of 4-bit values, none in scales and buffers

  /// Elements of one expert or, of another tensor, of all of it.
  [[nodiscard]] std::int64_t elements() const;
};

/// The tensors outside of the layers; those of one layer, in a fixed order. Linear weights are [out, in] but
/// for the interleaved expert layout.
[[nodiscard]] std::vector<TensorSpec> common_specs(ModelPlan const& plan);
[[nodiscard]] std::vector<TensorSpec> layer_specs(ModelPlan const& plan, LayerId layer);
/// Every tensor of the plan: the common ones, then layer by layer.
[[nodiscard]] std::vector<TensorSpec> tensor_specs(ModelPlan const& plan);
/// Whether it belongs to the output head.
[[nodiscard]] bool is_head(ModelPlan const& plan, TensorSpec const& spec);

/// The module of a linear weight: its name without ".weight".
[[nodiscard]] std::string module_of(std::string const& weight);

/// Full name of a tensor of one layer; of one expert of a layer.
[[nodiscard]] std::string layer_tensor(ModelPlan const& plan, LayerId layer, std::string const& name);
[[nodiscard]] std::string expert_tensor(ModelPlan const& plan, LayerId layer, std::string const& name,
                                        ExpertId expert);

/// Values that share a scale in MXFP4, and bytes that hold them.
inline constexpr std::int64_t mxfp4_block = 32, mxfp4_bytes = 16;

}  // namespace moerae
