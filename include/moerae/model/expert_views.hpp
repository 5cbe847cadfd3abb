#pragma once

#include <torch/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// A tensor of a checkpoint, or one row of its first axis, and where the decoder keeps it.
struct ExpertView {
  std::string tensor;               ///< full name
  std::optional<std::int64_t> row;  ///< none: all of the tensor
  torch::Tensor view;               ///< shares memory with the weights; its elements in the order of the file
};

/// Memory for a tensor of this shape and dtype.
using Allocate = std::function<torch::Tensor(std::vector<std::int64_t> const&, torch::Dtype)>;

/// Rows gate, up, gate, up, ... of a file over rows that are gate first: [2 I, ...] -> a view [I, 2, ...].
[[nodiscard]] torch::Tensor alternating(torch::Tensor const& gate_first);

/// Whether a weight of this name is packed as the plan says.
using IsPacked = std::function<bool(std::string const&)>;

/// Expert `expert` of a layer without values; `dtype` of what is not packed. It stays packed where
/// `stays_packed` says so and all weights of a map are.
[[nodiscard]] MlpWeights empty_expert(ModelPlan const& plan, LayerId layer, ExpertId expert,
                                      torch::Dtype dtype, Allocate const& allocate,
                                      IsPacked const& is_packed);

/// Every part of one routed expert, whatever the layout of the checkpoint: copied from the file to the views
/// it is read, from the views to the file it is written, both bit for bit where the dtypes are the same or
/// the weights wider. Of a weight that stays packed the views are the tensors it is packed in. A
/// tensor in block FP8 stands unpacked in its view; divided by the scales of the file and rounded it is that
/// of the file again, since a product with a scale keeps more bits than the format has.
[[nodiscard]] std::vector<ExpertView> expert_views(ModelPlan const& plan, LayerId layer, ExpertId expert,
                                                   MlpWeights const& weights);

}  // namespace moerae
