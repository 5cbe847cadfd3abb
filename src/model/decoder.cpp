#include "moerae/model/decoder.hpp"

#include <ATen/ops/embedding.h>

#include <optional>

#include "model/attention.hpp"
#include "model/layers.hpp"
#include "moerae/model/router.hpp"

namespace moerae {
namespace {

void show(RoutingTap& tap, LayerId layer, RoutingDecision const& decision) {
  auto const on_host = [](torch::Tensor const& t, torch::Dtype dtype) {
    return t.detach().to(torch::kCPU, dtype).contiguous();
  };
  auto const experts = on_host(decision.experts, torch::kInt64);
  auto const weights = on_host(decision.weights, torch::kFloat32);
  RoutingRows rows{layer,
                   static_cast<std::size_t>(experts.size(0)),
                   static_cast<std::size_t>(experts.size(1)),
                   {experts.data_ptr<std::int64_t>(), static_cast<std::size_t>(experts.numel())},
                   {weights.data_ptr<float>(), static_cast<std::size_t>(weights.numel())},
                   {}};
  torch::Tensor logits;
  if (tap.wants_logits()) {
    logits = on_host(decision.logits, torch::kFloat32);
    rows.logits = {logits.data_ptr<float>(), static_cast<std::size_t>(logits.numel())};
  }
  tap.on_routing(rows);
}

}  // namespace

void Decoder::record(PackedBatch const& batch, RoutingTap& tap) const {
  (void)run(batch, &tap, true);
}

torch::Tensor Decoder::forward(PackedBatch const& batch, RoutingTap* tap) const {
  return normalise(run(batch, tap, false), weights_.final_norm, plan_.norm);
}

torch::Tensor Decoder::feed_forward(torch::Tensor const& x, LayerSpec const& spec, LayerWeights const& own,
                                    RoutingDecision const& decision) const {
  if (!spec.moe()) return gated_mlp(x, std::get<MlpWeights>(own.feed_forward));
  auto const& moe = std::get<MoeWeights>(own.feed_forward);
  auto const routed = exchange_.run(x, decision, moe);
  return moe.shared ? routed + shared_experts(x, moe) : routed;
}

torch::Tensor Decoder::run(PackedBatch const& batch, RoutingTap* tap, bool routing_only) const {
  LayerId const last = plan_.moe_layers().back();
  auto const scaled = [](torch::Tensor const& t, double scale) { return scale == 1 ? t : t * scale; };
  auto h = scaled(at::embedding(weights_.embedding, batch.tokens), plan_.embedding_scale);  // [T, H]
  std::optional<Rope> rope;
  for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
    LayerId const layer(static_cast<std::int32_t>(i));
    auto const& spec = plan_.layers[i];
    auto const& own = weights_.layers[i];
    if (!rope || rope->spec() != spec.attention.rope)
      rope.emplace(spec.attention.rope, batch, h.scalar_type());
    auto const mixed = attention(normalise(h, own.input_norm, plan_.norm), own.attention, spec.attention,
                                 plan_.norm.eps, batch, *rope);
    h = h + scaled(mixed, plan_.residual_scale);
    auto const x = normalise(h, own.post_norm, plan_.norm);
    RoutingDecision decision;
    if (auto const* moe = spec.moe()) {
      decision = route(x, std::get<MoeWeights>(own.feed_forward), moe->router);
      if (tap) show(*tap, layer, decision);
      if (routing_only && layer == last) return h;
    }
    h = h + scaled(feed_forward(x, spec, own, decision), plan_.residual_scale);
  }
  return h;
}

}  // namespace moerae
