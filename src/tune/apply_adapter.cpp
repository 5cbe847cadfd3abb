#include "moerae/tune/apply_adapter.hpp"

#include <fmt/ranges.h>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

// Reads one adapter, expert by expert.
class Applied {
 public:
  Applied(store::AdapterReader const& adapter, torch::Dtype dtype, double factor)
      : adapter_(adapter), dtype_(dtype), factor_(factor) {}

  void to(LinearWeights& map, std::string const& name, std::int64_t out, std::int64_t in,
          std::size_t i) const {
    auto const& info = adapter_.info();
    if (info.method == "lora") {
      auto const a = tensor(name + "/a", i), b = tensor(name + "/b", i);
      check(name + "/a", a, a.size(0), in);
      check(name + "/b", b, out, a.size(0));
      map.adapter = LowRank{a.to(dtype_), b.to(dtype_), info.scale * factor_};
      return;
    }
    auto const delta = tensor(name + "/delta", i);
    check(name + "/delta", delta, out, in);
    map.set_dense((map.dense(dtype_).to(torch::kFloat32) + delta * factor_).to(dtype_));
  }

 private:
  [[nodiscard]] torch::Tensor tensor(std::string const& name, std::size_t i) const {
    auto const shape = adapter_.shape(name);
    auto values = adapter_.tensor(name, i);
    return torch::from_blob(values.data(), std::vector<std::int64_t>(shape.begin(), shape.end()),
                            torch::kFloat32)
        .clone();
  }
  void check(std::string const& name, torch::Tensor const& t, std::int64_t out, std::int64_t in) const {
    validate<DataError>(
        t.size(0) == out && t.size(1) == in,
        "{}: {} is [{}] for an expert, but the model needs [{}, {}]: it was made for another model",
        adapter_.path().string(), name, fmt::join(t.sizes(), ", "), out, in);
  }

  store::AdapterReader const& adapter_;
  torch::Dtype dtype_;
  double factor_;
};

}  // namespace

void apply_adapter(ModelPlan const& plan, ModelWeights& weights, store::AdapterReader const& adapter,
                   double factor) {
  Applied const applied(adapter, weights.embedding.scalar_type(), factor);
  auto const& experts = adapter.info().experts;
  for (std::size_t i = 0; i < experts.size(); ++i) {
    auto const layer = static_cast<std::size_t>(experts[i].layer.value);
    auto const* spec = layer < plan.layers.size() ? plan.layers[layer].moe() : nullptr;
    validate<DataError>(
        spec && experts[i].expert.value < spec->router.experts,
        "{}: it trains expert {} of layer {}, which this model has not: it was made for another model",
        adapter.path().string(), experts[i].expert.value, experts[i].layer.value);
    auto& moe = std::get<MoeWeights>(weights.layers[layer].feed_forward);
    auto const local = experts[i].expert.value - moe.first;
    if (local < 0 || local >= static_cast<std::int64_t>(moe.experts.size())) continue;
    auto& expert = moe.experts[static_cast<std::size_t>(local)];
    applied.to(expert.gate_up, "gate_up", 2 * spec->intermediate, plan.hidden, i);
    applied.to(expert.down, "down", plan.hidden, spec->intermediate, i);
  }
}

}  // namespace moerae
