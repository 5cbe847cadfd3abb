#include "model/schedule/walk.hpp"

#include <ATen/ops/embedding.h>

#include "model/schedule/routed.hpp"
#include "moerae/model/cache.hpp"

namespace moerae {

Layer layer_of(ResidentModel const& model, std::int32_t i) {
  return {model.plan, LayerId(i), model.weights.layers[static_cast<std::size_t>(i)]};
}

torch::Tensor start(ResidentModel const& model, Pass& pass) {
  if (pass.cache) pass.cache->admit(pass.rows);
  auto const h = at::embedding(model.weights.embedding, pass.rows.tokens);  // [T, H]
  return model.plan.embedding_scale == 1 ? h : h * model.plan.embedding_scale;
}

Entered enter_seen(torch::Tensor const& h, Layer const& layer, Pass& pass) {
  auto entered = enter(h, layer, pass);
  if (pass.tap && layer.spec().moe()) pass.tap->on_decision(layer.id, pass.rows, entered.decision);
  return entered;
}

torch::Tensor through(torch::Tensor const& h, Layer const& layer, ExpertExchange& exchange, Pass& pass) {
  auto const entered = enter_seen(h, layer, pass);
  if (!layer.spec().moe()) return leave(entered, {}, layer);
  auto const out = routed(exchange, entered.x, entered.decision, layer.moe(), pass.largest);
  if (pass.tap) pass.tap->on_output(layer.id, out.y);
  if (pass.tap && pass.largest) pass.tap->on_largest(layer.id, entered.decision, out.largest);
  return leave(entered, out.y, layer);
}

}  // namespace moerae
