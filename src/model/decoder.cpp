#include "moerae/model/decoder.hpp"

#include <ATen/ops/embedding.h>

#include <optional>

#include "moerae/model/layers.hpp"
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
  return rms_norm(run(batch, tap, false), weights_.final_norm, plan_.norm_eps);
}

torch::Tensor Decoder::run(PackedBatch const& batch, RoutingTap* tap, bool routing_only) const {
  LayerId const last = plan_.moe_layers().back();
  auto h = at::embedding(weights_.embedding, batch.tokens);  // [T, H]
  std::optional<Rope> rope;
  for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
    LayerId const layer(static_cast<std::int32_t>(i));
    auto const& spec = plan_.layers[i];
    auto const& own = weights_.layers[i];
    if (!rope)
      rope.emplace(batch.positions, spec.attention.head_dim, spec.attention.rope_theta, h.scalar_type());
    h = h + attention(rms_norm(h, own.input_norm, plan_.norm_eps), own.attention, spec.attention,
                      plan_.norm_eps, batch, *rope);
    auto const x = rms_norm(h, own.post_norm, plan_.norm_eps);
    if (auto const* moe = spec.moe()) {
      auto const& experts = std::get<MoeWeights>(own.feed_forward);
      auto const decision = route(x, experts.router, moe->router);
      if (tap) show(*tap, layer, decision);
      if (routing_only && layer == last) return h;
      h = h + exchange_.run(x, decision, experts);
    } else {
      h = h + gated_mlp(x, std::get<MlpWeights>(own.feed_forward));
    }
  }
  return h;
}

}  // namespace moerae
