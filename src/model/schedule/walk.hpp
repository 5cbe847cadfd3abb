#pragma once

#include <torch/types.h>

#include "model/layer.hpp"
#include "moerae/model/schedule/resident.hpp"

// The steps that every walk through a resident model is made of.

namespace moerae {

[[nodiscard]] inline std::int32_t layers_of(ResidentModel const& model) {
  return static_cast<std::int32_t>(model.plan.layers.size());
}
[[nodiscard]] Layer layer_of(ResidentModel const& model, std::int32_t i);

/// The residual stream before the first layer [T, H]; takes the rows into the cache of the pass.
[[nodiscard]] torch::Tensor start(ResidentModel const& model, Pass& pass);

/// `enter`, seen by the tap of the pass.
[[nodiscard]] Entered enter_seen(torch::Tensor const& h, Layer const& layer, Pass& pass);

/// One whole layer, seen by the tap of the pass. Without gradient. Collective over the expert group.
[[nodiscard]] torch::Tensor through(torch::Tensor const& h, Layer const& layer, ExpertExchange& exchange,
                                    Pass& pass);

}  // namespace moerae
