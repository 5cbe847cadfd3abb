#include "attribute/mask_attribution.hpp"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

namespace moerae {
namespace {

RouterSpec const& router_of(ResidentModel const& model, LayerId layer) {
  return model.plan.layers[static_cast<std::size_t>(layer.value)].moe()->router;
}

// The decision of every token with the j-th of its own experts masked.
RoutingDecision without(ResidentModel const& model, LayerGradient const& found, std::int64_t j) {
  auto const& spec = router_of(model, found.layer);
  auto const& layer = model.weights.layers[static_cast<std::size_t>(found.layer.value)];
  RouterEdit edit;
  edit.masked = torch::eye(spec.experts, torch::kBool);  // condition e: expert e
  return decide(found.decision.logits, std::get<MoeWeights>(layer.feed_forward).correction_bias, spec, edit,
                found.decision.experts.select(-1, j));
}

// Whether experts are chosen in one order, so that the same one enters whichever of the chosen is masked.
bool one_enters(RouterSpec const& spec) {
  return spec.groups <= 1 || spec.top_groups >= spec.groups;
}

// [T, n]: which of ids [T, n] are not among `chosen` [T, k].
torch::Tensor is_new(torch::Tensor const& ids, torch::Tensor const& chosen) {
  return (ids.unsqueeze(-1) != chosen.unsqueeze(1)).all(-1);
}

// The products of ids [T, n], each of which is among those known [T, m].
torch::Tensor looked_up(torch::Tensor const& ids, torch::Tensor const& known, torch::Tensor const& products) {
  auto const same = ids.unsqueeze(-1) == known.unsqueeze(1);  // [T, n, m]
  return (same * products.unsqueeze(1)).sum(-1) / same.sum(-1);
}

}  // namespace

torch::Tensor masking_effects(ResidentModel const& model, LayerGradient const& found) {
  auto const& [logits, experts, gates] = found.decision;
  auto const k = experts.size(1);
  bool const one = one_enters(router_of(model, found.layer));
  auto const products = found.dgates;  // of the chosen
  auto const whole = (gates.to(torch::kFloat32) * products).sum(-1);
  std::vector<torch::Tensor> effects;
  torch::Tensor entering, of_entering;
  for (std::int64_t j = 0; j < k; ++j) {
    auto const other = without(model, found, j);
    if (j == 0 || !one) {
      // where several can enter, every one of the other choice is asked for: all ranks ask for equally many
      entering =
          one ? other.experts.masked_select(is_new(other.experts, experts)).reshape({-1, 1}) : other.experts;
      of_entering = expert_products(model, found.layer, found.dy, found.x, entering);
    }
    auto const there = looked_up(other.experts, torch::cat({experts, entering}, -1),
                                 torch::cat({products, of_entering}, -1));
    effects.push_back(whole - (other.weights.to(torch::kFloat32) * there).sum(-1));
  }
  return torch::stack(effects, -1);
}

namespace {

// Adds the effects of all layers to the prompts.
class Adding final : public GradientTap {
 public:
  Adding(ResidentModel const& model, ExpertSpace const& space, Margins const& margins,
         std::function<float&(std::int64_t request, std::size_t layer, std::size_t expert)> cell)
      : model_(model), space_(space), margins_(margins), cell_(std::move(cell)) {}

  void on_gradient(LayerGradient const& found) override {
    torch::NoGradGuard const no_graph;
    auto const effects = masking_effects(model_, found).contiguous();
    auto const experts = found.decision.experts.contiguous();
    auto const l = static_cast<std::size_t>(std::ranges::lower_bound(space_.layers, found.layer.value) -
                                            space_.layers.begin());
    auto const* request = margins_.request().const_data_ptr<std::int64_t>();
    auto const* acts = margins_.acts().const_data_ptr<bool>();
    auto const k = experts.size(1);
    for (std::int64_t t = 0; t < experts.size(0); ++t)
      for (std::int64_t j = 0; j < k && acts[t]; ++j)
        cell_(request[t], l, static_cast<std::size_t>(experts.const_data_ptr<std::int64_t>()[t * k + j])) +=
            effects.const_data_ptr<float>()[t * k + j];
  }

 private:
  ResidentModel const& model_;
  ExpertSpace const& space_;
  Margins const& margins_;
  std::function<float&(std::int64_t, std::size_t, std::size_t)> cell_;
};

}  // namespace

std::vector<MarginPasses::Asked> MaskAttribution::ask(std::size_t prompts) const {
  std::vector<Asked> all;
  for (std::size_t p = 0; p < prompts; ++p) all.push_back({p});
  return all;
}

void MaskAttribution::pass(Margins const& margins, std::span<Asked const> asked) {
  Pass pass{margins.rows()};
  ThereAndBack walk(setting_.model, pass);
  auto const hidden = walk.up().requires_grad_(true);
  auto const m = margins.of(hidden, setting_.model.weights, setting_.model.plan);
  auto gradient = torch::zeros_like(hidden);
  if (!asked.empty()) gradient = torch::autograd::grad({m.sum()}, {hidden})[0];
  Adding adding(setting_.model, setting_.space, margins,
                [&](std::int64_t request, std::size_t layer, std::size_t expert) -> float& {
                  return found_.drop[cell(asked[static_cast<std::size_t>(request)].prompt, layer, expert)];
                });
  walk.down(gradient, adding);
  for (std::size_t i = 0; i < asked.size(); ++i)
    found_.margin[asked[i].prompt] = m[static_cast<std::int64_t>(i)].item<float>();
}

}  // namespace moerae
