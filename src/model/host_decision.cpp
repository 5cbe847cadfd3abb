#include "moerae/model/host_decision.hpp"

namespace moerae {
namespace {

torch::Tensor on_host(torch::Tensor const& t, torch::Dtype dtype) {
  return t.detach().to(torch::kCPU, dtype).contiguous();
}

template <class T>
std::span<T const> values(torch::Tensor const& t) {
  return {t.const_data_ptr<T>(), static_cast<std::size_t>(t.numel())};
}

}  // namespace

HostDecision::HostDecision(LayerId layer, RoutingDecision const& decision, torch::Tensor const& logits)
    : layer_(layer),
      experts_(on_host(decision.experts, torch::kInt64)),
      weights_(on_host(decision.weights, torch::kFloat32)) {
  if (logits.defined()) logits_ = on_host(logits, torch::kFloat32);
}

RoutingRows HostDecision::rows() const {
  RoutingRows out{layer_,
                  static_cast<std::size_t>(experts_.size(0)),
                  static_cast<std::size_t>(experts_.size(1)),
                  values<std::int64_t>(experts_),
                  values<float>(weights_),
                  {}};
  if (logits_.defined()) out.logits = values<float>(logits_);
  return out;
}

}  // namespace moerae
