#include "model/layer.hpp"

#include "model/attention.hpp"
#include "model/layers.hpp"

namespace moerae {
namespace {

torch::Tensor scaled(torch::Tensor const& t, double scale) {
  return scale == 1 ? t : t * scale;
}

}  // namespace

Entered enter(torch::Tensor const& h, Layer const& layer, Pass& pass) {
  auto const& plan = layer.plan;
  auto const& spec = layer.spec();
  auto const& own = layer.weights;
  auto const& rope = pass.ropes.of(spec.attention.rope, pass.rows, h.scalar_type());
  auto const mixed =
      attention(normalise(h, own.input_norm, plan.norm), own.attention, spec.attention, plan.norm.eps,
                pass.rows, rope, pass.cache ? &pass.cache->layer(layer.id) : nullptr);
  Entered out;
  out.h = h + scaled(mixed, plan.residual_scale);
  out.x = normalise(out.h, own.post_norm, plan.norm);
  if (auto const* moe = spec.moe())
    out.decision = decide(router_logits(out.x, layer.moe().router, moe->router), layer.moe().correction_bias,
                          moe->router, pass.edit(layer.id), pass.rows.condition);
  return out;
}

torch::Tensor leave(Entered const& entered, torch::Tensor const& routed, Layer const& layer) {
  auto const added = [&] {
    if (!layer.spec().moe()) return gated_mlp(entered.x, std::get<MlpWeights>(layer.weights.feed_forward));
    return layer.moe().shared ? routed + shared_experts(entered.x, layer.moe()) : routed;
  }();
  return entered.h + scaled(added, layer.plan.residual_scale);
}

}  // namespace moerae
