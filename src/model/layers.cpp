#include "model/layers.hpp"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

namespace moerae {

torch::Tensor rms_norm(torch::Tensor const& x, torch::Tensor const& weight, double eps) {
  auto const wide = x.to(torch::kFloat32);
  auto const variance = wide.pow(2).mean(-1, /*keepdim=*/true);
  return weight * (wide * torch::rsqrt(variance + eps)).to(x.scalar_type());
}

torch::Tensor normalise(torch::Tensor const& x, NormWeights const& weights, NormSpec const& spec) {
  if (!spec.layer_norm) return rms_norm(x, weights.weight, spec.eps);
  return at::layer_norm(x, {x.size(-1)}, weights.weight, weights.bias, spec.eps);
}

torch::Tensor gated_mlp(torch::Tensor const& x, MlpWeights const& weights, ActivationSpec const& activation) {
  auto const both = linear(x, weights.gate_up).chunk(2, -1);
  if (!activation.clamped) return linear(at::silu(both[0]) * both[1], weights.down);
  auto const gate = both[0].clamp_max(activation.limit);
  auto const up = both[1].clamp(-activation.limit, activation.limit);
  return linear((up + 1) * (gate * torch::sigmoid(gate * activation.alpha)), weights.down);
}

torch::Tensor shared_experts(torch::Tensor const& x, MoeWeights const& weights) {
  auto const out = gated_mlp(x, *weights.shared);
  if (!weights.shared_switch.defined()) return out;
  return torch::sigmoid(at::linear(x, weights.shared_switch)) * out;
}

}  // namespace moerae
