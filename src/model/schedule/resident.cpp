#include "moerae/model/schedule/resident.hpp"

#include "model/layers.hpp"
#include "model/schedule/walk.hpp"

namespace moerae {

void record(ResidentModel const& model, Pass& pass) {
  auto const last = model.plan.moe_layers().back();
  auto h = start(model, pass);
  for (std::int32_t i = 0; i < last.value; ++i) h = through(h, layer_of(model, i), model.exchange, pass);
  (void)enter_seen(h, layer_of(model, last.value), pass);
}

torch::Tensor forward(ResidentModel const& model, Pass& pass) {
  auto h = start(model, pass);
  for (std::int32_t i = 0; i < layers_of(model); ++i)
    h = through(h, layer_of(model, i), model.exchange, pass);
  return normalise(h, model.weights.final_norm, model.plan.norm);
}

}  // namespace moerae
