#include "moerae/model/load_weights.hpp"

#include <algorithm>

#include "moerae/model/tensor_specs.hpp"

namespace moerae {

LoadedWeights load_weights(ModelPlan const& plan, Checkpoint const& checkpoint, Placement place,
                           ExpertShare mine, Head head) {
  WeightReader reader(plan, checkpoint, place, mine);
  LoadedWeights out;
  out.weights = {reader.common(head), {}};
  for (std::size_t i = 0; i < plan.layers.size(); ++i)
    out.weights.layers.push_back(reader.layer(LayerId(static_cast<std::int32_t>(i))));
  out.hashes = reader.hashes();
  out.bytes_read = reader.bytes_read();
  return out;
}

std::int64_t resident_bytes(ModelPlan const& plan, std::int64_t element_bytes, int width) {
  ExpertShare const share{plan.router().experts, width};
  std::int64_t most = 0;
  for (int m = 0; m < width; ++m) most = std::max(most, share.first(m + 1) - share.first(m));
  std::int64_t bytes = 0;
  for (auto const& spec : tensor_specs(plan)) {
    if (is_head(plan, spec)) continue;
    if (spec.expert && spec.expert->value >= most) continue;  // every expert of a layer has one shape
    if (spec.expert && spec.kind == TensorSpec::Kind::linear && stays_packed(plan.quantisation.packing))
      bytes += packed_bytes(plan.quantisation, spec.shape[0], spec.shape[1]);
    else
      bytes += spec.elements() * (spec.per_expert ? most : 1) *
               (spec.kind == TensorSpec::Kind::packed ? 1 : element_bytes);
  }
  return bytes;
}

}  // namespace moerae
