#include "attribute/mask_attribution.hpp"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

namespace moerae {
namespace {

// What the masks of one layer are decided and weighed by. T tokens, K experts, k chosen.
class MaskedLayer {
 public:
  MaskedLayer(ResidentModel const& model, LayerGradient const& found)
      : model_(model),
        found_(found),
        spec_(model.plan.layers[static_cast<std::size_t>(found.layer.value)].moe()->router),
        bias_(std::get<MoeWeights>(
                  model.weights.layers[static_cast<std::size_t>(found.layer.value)].feed_forward)
                  .correction_bias),
        whole_((found.decision.weights.to(torch::kFloat32) * found.dgates).sum(-1)),
        effects_(torch::zeros(found.decision.logits.sizes(), torch::kFloat32)) {}

  torch::Tensor effects() {
    if (one_enters()) {
      replace_by_next();
      if (reaches_others()) for_unchosen();
    } else {
      for (std::int64_t j = 0; j < spec_.top_k; ++j)
        later(chosen(j), without(chosen(j)), torch::arange(tokens()));
      for_unchosen();
    }
    weigh_later();
    return effects_;
  }

 private:
  [[nodiscard]] std::int64_t tokens() const { return experts().size(0); }
  [[nodiscard]] torch::Tensor const& experts() const { return found_.decision.experts; }
  [[nodiscard]] torch::Tensor chosen(std::int64_t j) const { return experts().select(-1, j); }

  // Whether experts are chosen in one order, so that the same one enters whichever of the chosen is masked,
  // and an expert that is not chosen cannot change the choice.
  [[nodiscard]] bool one_enters() const { return spec_.groups <= 1 || spec_.top_groups >= spec_.groups; }
  // Whether the weights of the chosen depend on the logits of the others.
  [[nodiscard]] bool reaches_others() const {
    return spec_.weight == RouterSpec::Weight::sparse_mixer ||
           (spec_.weight == RouterSpec::Weight::score && spec_.score == RouterSpec::Score::softmax &&
            !spec_.renormalise);
  }

  // The decision of every token with an expert of its own masked: masked [T].
  [[nodiscard]] RoutingDecision without(torch::Tensor const& masked) const {
    RouterEdit edit;
    edit.masked = torch::eye(spec_.experts, torch::kBool);  // condition e: expert e
    return decide(found_.decision.logits, bias_, spec_, edit, masked);
  }

  // <dL/dy, y - y'>, y' = sum of weights times products [n, k], of some rows.
  [[nodiscard]] torch::Tensor difference(torch::Tensor const& rows, RoutingDecision const& other,
                                         torch::Tensor const& products) const {
    return whole_.index_select(0, rows) - (other.weights.to(torch::kFloat32) * products).sum(-1);
  }

  void set(torch::Tensor const& rows, torch::Tensor const& masked, torch::Tensor const& effect) {
    effects_.index_put_({rows, masked}, effect);
  }

  void replace_by_next() {
    torch::Tensor entering, known, products;
    auto const rows = torch::arange(tokens());
    for (std::int64_t j = 0; j < spec_.top_k; ++j) {
      auto const other = without(chosen(j));
      if (j == 0) {
        auto const is_new = (other.experts.unsqueeze(-1) != experts().unsqueeze(1)).all(-1);
        entering = other.experts.masked_select(is_new).reshape({-1, 1});
        known = torch::cat({experts(), entering}, -1);
        products = torch::cat(
            {found_.dgates, expert_products(model_, found_.layer, found_.dy, found_.x, entering)}, -1);
      }
      auto const same = other.experts.unsqueeze(-1) == known.unsqueeze(1);  // [T, k, k + 1]
      set(rows, chosen(j), difference(rows, other, (same * products.unsqueeze(1)).sum(-1)));
    }
  }

  // Masks of experts that a token did not choose: of the weights at once, of the choice later.
  void for_unchosen() {
    for (std::int64_t e = 0; e < spec_.experts; ++e) {
      auto const masked = torch::full({tokens()}, e, torch::kInt64);
      auto const other = without(masked);
      auto const is_unchosen = (experts() != e).all(-1), kept = (other.experts == experts()).all(-1);
      auto const at = [](torch::Tensor const& which) { return which.nonzero().squeeze(-1); };
      auto const rows = at(is_unchosen & kept);
      set(rows, masked.index_select(0, rows),
          difference(rows, part(other, rows), found_.dgates.index_select(0, rows)));
      if (!one_enters()) {
        auto const changed = at(is_unchosen & ~kept);
        later(masked.index_select(0, changed), part(other, changed), changed);
      }
    }
  }

  static RoutingDecision part(RoutingDecision const& of, torch::Tensor const& rows) {
    return {{}, of.experts.index_select(0, rows), of.weights.index_select(0, rows)};
  }

  // Rows whose choice is another: its products are asked for together, whatever the number on this rank.
  void later(torch::Tensor const& masked, RoutingDecision const& other, torch::Tensor const& rows) {
    rows_.push_back(rows);
    masked_.push_back(masked);
    other_experts_.push_back(other.experts);
    other_weights_.push_back(other.weights);
  }

  void weigh_later() {
    if (one_enters()) return;  // on every rank
    auto const rows = torch::cat(rows_), masked = torch::cat(masked_);
    RoutingDecision const other{{}, torch::cat(other_experts_), torch::cat(other_weights_)};
    auto const products = expert_products(model_, found_.layer, found_.dy.index_select(0, rows),
                                          found_.x.index_select(0, rows), other.experts);
    set(rows, masked, difference(rows, other, products));
  }

  ResidentModel const& model_;
  LayerGradient const& found_;
  RouterSpec const& spec_;
  torch::Tensor bias_, whole_, effects_;  // whole [T]: <dL/dy, y>
  std::vector<torch::Tensor> rows_, masked_, other_experts_, other_weights_;
};

}  // namespace

torch::Tensor masking_effects(ResidentModel const& model, LayerGradient const& found) {
  return MaskedLayer(model, found).effects();
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
    auto const effects = masking_effects(model_, found).contiguous();  // [T, K]
    auto const l = static_cast<std::size_t>(std::ranges::lower_bound(space_.layers, found.layer.value) -
                                            space_.layers.begin());
    auto const* request = margins_.request().const_data_ptr<std::int64_t>();
    auto const* acts = margins_.acts().const_data_ptr<bool>();
    auto const* effect = effects.const_data_ptr<float>();
    auto const experts = static_cast<std::size_t>(space_.experts);
    for (std::int64_t t = 0; t < effects.size(0); ++t, effect += experts)
      for (std::size_t e = 0; e < experts && acts[t]; ++e) cell_(request[t], l, e) += effect[e];
  }

 private:
  ResidentModel const& model_;
  ExpertSpace const& space_;
  Margins const& margins_;
  std::function<float&(std::int64_t, std::size_t, std::size_t)> cell_;
};

}  // namespace

std::vector<MarginPasses::Asked> MaskAttribution::ask(std::size_t prompts) {
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
