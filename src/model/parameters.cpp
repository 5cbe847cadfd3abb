#include "moerae/model/plan.hpp"
#include "moerae/model/tensor_specs.hpp"

namespace moerae {

ParameterCount count_parameters(ModelPlan const& plan) {
  ParameterCount out;
  for (auto const& spec : common_specs(plan)) {
    auto const size = spec.elements() * spec.parameters;
    if (spec.name == plan.names.embedding || is_head(plan, spec)) out.embeddings += size;
    out.total += size;
  }
  out.active = out.total;
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    auto const* moe = plan.layers[i].moe();
    for (auto const& spec : layer_specs(plan, LayerId(static_cast<std::int32_t>(i)))) {
      auto const size = spec.elements() * spec.parameters;
      out.total += spec.per_expert ? moe->router.experts * size : size;
      if (spec.per_expert) out.active += moe->router.top_k * size;
      // every expert of a layer has one size: the first k stand for the chosen
      else if (!spec.expert || spec.expert->value < moe->router.top_k)
        out.active += size;
    }
  }
  return out;
}

}  // namespace moerae
