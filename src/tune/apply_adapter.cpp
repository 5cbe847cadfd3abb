#include "moerae/tune/apply_adapter.hpp"

#include <fmt/ranges.h>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

torch::Tensor tensor(store::AdapterReader const& adapter, std::string const& name, std::size_t i) {
  auto const shape = adapter.shape(name);
  auto values = adapter.tensor(name, i);
  return torch::from_blob(values.data(), std::vector<std::int64_t>(shape.begin(), shape.end()),
                          torch::kFloat32)
      .clone();
}

void check(store::AdapterReader const& adapter, std::string const& name, torch::Tensor const& t,
           std::int64_t out, std::int64_t in) {
  validate<DataError>(
      t.size(0) == out && t.size(1) == in,
      "{}: {} is [{}] for an expert, but the model needs [{}, {}]: it was made for another model",
      adapter.path().string(), name, fmt::join(t.sizes(), ", "), out, in);
}

torch::Tensor delta(store::AdapterReader const& adapter, std::string const& map, std::size_t i,
                    std::int64_t out, std::int64_t in) {
  auto const added = tensor(adapter, map + "/delta", i);
  check(adapter, map + "/delta", added, out, in);
  return added;
}

bool is_low_rank(store::AdapterReader const& adapter) {
  return adapter.info().method == "lora";
}

void put_on(LinearWeights& map, store::AdapterReader const& adapter, std::string const& name, std::size_t i,
            std::int64_t out, std::int64_t in, torch::Dtype dtype, double factor) {
  if (is_low_rank(adapter)) {
    auto const product = low_rank(adapter, name, i, out, in);
    map.adapter = LowRank{product.a.to(dtype), product.b.to(dtype), product.scale * factor};
    return;
  }
  map.set_dense((map.dense(dtype).to(torch::kFloat32) + delta(adapter, name, i, out, in) * factor).to(dtype));
}

}  // namespace

void check_expert(ModelPlan const& plan, store::AdapterReader const& adapter, std::size_t i) {
  auto const [layer, expert] = adapter.info().experts[i];
  auto const at = static_cast<std::size_t>(layer.value);
  auto const* spec = at < plan.layers.size() ? plan.layers[at].moe() : nullptr;
  validate<DataError>(
      spec && expert.value < spec->router.experts,
      "{}: it trains expert {} of layer {}, which this model has not: it was made for another model",
      adapter.path().string(), expert.value, layer.value);
}

LowRank low_rank(store::AdapterReader const& adapter, std::string const& map, std::size_t i, std::int64_t out,
                 std::int64_t in) {
  auto const a = tensor(adapter, map + "/a", i), b = tensor(adapter, map + "/b", i);
  check(adapter, map + "/a", a, a.size(0), in);
  check(adapter, map + "/b", b, out, a.size(0));
  return {a, b, adapter.info().scale};
}

torch::Tensor added_weight(store::AdapterReader const& adapter, std::string const& map, std::size_t i,
                           std::int64_t out, std::int64_t in) {
  if (!is_low_rank(adapter)) return delta(adapter, map, i, out, in);
  auto const product = low_rank(adapter, map, i, out, in);
  return product.b.matmul(product.a) * product.scale;
}

void apply_adapter(ModelPlan const& plan, ModelWeights& weights, store::AdapterReader const& adapter,
                   double factor) {
  auto const dtype = weights.embedding.scalar_type();
  auto const& experts = adapter.info().experts;
  for (std::size_t i = 0; i < experts.size(); ++i) {
    check_expert(plan, adapter, i);
    auto const layer = static_cast<std::size_t>(experts[i].layer.value);
    auto& moe = std::get<MoeWeights>(weights.layers[layer].feed_forward);
    auto const local = experts[i].expert.value - moe.first;
    if (local < 0 || local >= static_cast<std::int64_t>(moe.experts.size())) continue;
    auto& expert = moe.experts[static_cast<std::size_t>(local)];
    auto const inner = plan.layers[layer].moe()->intermediate;
    put_on(expert.gate_up, adapter, "gate_up", i, 2 * inner, plan.hidden, dtype, factor);
    put_on(expert.down, adapter, "down", i, plan.hidden, inner, dtype, factor);
  }
}

}  // namespace moerae
