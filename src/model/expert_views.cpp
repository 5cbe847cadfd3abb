#include "moerae/model/expert_views.hpp"

#include <algorithm>

#include "model/stored_dtype.hpp"
#include "moerae/model/tensor_specs.hpp"

namespace moerae {

torch::Tensor alternating(torch::Tensor const& gate_first) {
  return gate_first.unflatten(0, {2, -1}).transpose(0, 1);
}

MlpWeights empty_expert(ModelPlan const& plan, LayerId layer, ExpertId expert, torch::Dtype dtype,
                        Allocate const& allocate, IsPacked const& is_packed) {
  auto const& spec = *plan.layers[static_cast<std::size_t>(layer.value)].moe();
  auto const& how = plan.quantisation;
  auto const packed = [&](std::string const& module) {
    return stays_packed(how.packing) && is_packed(expert_tensor(plan, layer, module, expert) + ".weight");
  };
  auto const map = [&](std::vector<std::string> const& modules, std::int64_t out, std::int64_t in) {
    LinearWeights made;
    if (plan.names.experts == ExpertLayout::mxfp4) {
      made.packed = {allocate({out, in / mxfp4_block, mxfp4_bytes}, torch::kUInt8),
                     allocate({out, in / mxfp4_block}, torch::kUInt8)};
    } else if (std::ranges::all_of(modules, packed)) {
      auto const rows = out / static_cast<std::int64_t>(modules.size());
      for (std::size_t i = 0; i < modules.size(); ++i) {
        QuantisedWeight weight{how, rows, in, {}};
        for (auto const& part : packed_tensors(how, rows, in))
          weight.parts.push_back(
              allocate(part.shape, part.dtype.empty() ? torch::kFloat32 : torch_dtype(part.dtype)));
        made.quantised.push_back(std::move(weight));
      }
    } else {
      made.weight = allocate({out, in}, dtype);
    }
    if (spec.bias) made.bias = allocate({out}, dtype);
    return made;
  };
  auto const& n = plan.names;
  return {map({n.expert_gate, n.expert_up}, 2 * spec.intermediate, plan.hidden),
          map({n.expert_down}, plan.hidden, spec.intermediate)};
}

std::vector<ExpertView> expert_views(ModelPlan const& plan, LayerId layer, ExpertId expert,
                                     MlpWeights const& weights) {
  auto const& n = plan.names;
  auto const& [both, down] = weights;
  std::vector<ExpertView> out;
  auto const row = [&](std::string const& name, torch::Tensor const& view) {
    out.push_back({layer_tensor(plan, layer, name), expert.value, view});
  };
  switch (n.experts) {
    case ExpertLayout::separate: {
      auto const whole = [&](std::string const& module, char const* part, torch::Tensor const& view) {
        if (view.defined()) out.push_back({expert_tensor(plan, layer, module, expert) + part, {}, view});
      };
      auto const half = [](torch::Tensor const& t, std::int64_t i) {
        return t.defined() ? t.chunk(2)[static_cast<std::size_t>(i)] : t;
      };
      auto const packed = [&](std::string const& module, QuantisedWeight const& weight) {
        auto const tensors = packed_tensors(weight.how, weight.out, weight.in);
        for (std::size_t i = 0; i < tensors.size(); ++i)
          whole(module, std::string(tensors[i].suffix).c_str(), weight.parts[i]);
      };
      if (!both.quantised.empty()) {
        packed(n.expert_gate, both.quantised[0]);
        packed(n.expert_up, both.quantised[1]);
      }
      if (!down.quantised.empty()) packed(n.expert_down, down.quantised[0]);
      whole(n.expert_gate, ".weight", half(both.weight, 0));
      whole(n.expert_up, ".weight", half(both.weight, 1));
      whole(n.expert_gate, ".bias", half(both.bias, 0));
      whole(n.expert_up, ".bias", half(both.bias, 1));
      whole(n.expert_down, ".weight", down.weight);
      whole(n.expert_down, ".bias", down.bias);
      return out;
    }
    case ExpertLayout::fused:
      row(n.expert_gate_up, both.weight);
      row(n.expert_down_all, down.weight);
      return out;
    case ExpertLayout::interleaved:  // [H, 2 I] and [I, H]
      row(n.expert_gate_up, both.weight.unflatten(0, {2, -1}).permute({2, 1, 0}));
      row(n.expert_down_all, down.weight.t());
      break;
    case ExpertLayout::mxfp4:
      row(n.expert_gate_up + "_blocks", alternating(both.packed.blocks));
      row(n.expert_gate_up + "_scales", alternating(both.packed.scales));
      row(n.expert_down_all + "_blocks", down.packed.blocks);
      row(n.expert_down_all + "_scales", down.packed.scales);
      break;
  }
  if (!both.bias.defined()) return out;
  row(n.expert_gate_up + "_bias", alternating(both.bias));
  row(n.expert_down_all + "_bias", down.bias);
  return out;
}

}  // namespace moerae
