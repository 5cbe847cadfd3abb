#include "tune/step_gradient.hpp"

#include <map>

#include "moerae/model/schedule/there_and_back.hpp"

namespace moerae {
namespace {

LayerId lowest(TuneSetting const& setting) {
  return setting.chosen.front().layer;
}

// Router logits of the frozen model at some rows, of the layers whose input the trained experts can change.
class BaseLogits final : public LayerTap {
 public:
  BaseLogits(torch::Tensor rows, LayerId above) : rows_(std::move(rows)), above_(above) {}
  void on_decision(LayerId layer, Rows const&, RoutingDecision const& decision) override {
    if (layer > above_) of_[layer] = decision.logits.index_select(0, rows_);
  }
  [[nodiscard]] torch::Tensor const& of(LayerId layer) const { return of_.at(layer); }

 private:
  torch::Tensor rows_;
  LayerId above_;
  std::map<LayerId, torch::Tensor> of_;
};

// The way down: gradients of the trained tensors, and of the router logits where their term asks.
class Training final : public GradientTap {
 public:
  Training(TrainedExperts& trained, PassRows const& rows, BaseLogits const* base, double tau, double factor,
           double& sum)
      : trained_(trained), rows_(rows), base_(base), tau_(tau), factor_(factor), sum_(sum) {}

  std::vector<torch::Tensor> parameters(LayerId layer) override { return trained_.leaves(layer); }
  void on_parameters(LayerId layer, std::vector<torch::Tensor> const& gradients,
                     torch::Tensor const& choices) override {
    trained_.add_gradients(layer, gradients);
    trained_.count(layer, choices);
  }
  torch::Tensor logit_gradient(LayerId layer, RoutingDecision const& decision) override {
    if (!base_) return {};
    auto gradient = torch::zeros_like(decision.logits);
    auto const of_last =
        routing_gradient(decision.logits.index_select(0, rows_.last), base_->of(layer), tau_, factor_, sum_);
    return gradient.index_copy_(0, rows_.last, of_last.to(gradient.scalar_type()));
  }

 private:
  TrainedExperts& trained_;
  PassRows const& rows_;
  BaseLogits const* base_;
  double tau_, factor_;
  double& sum_;
};

}  // namespace

Terms factors(TuneSetting const& setting, Indices const& batch) {
  auto const& options = setting.options;
  Terms count;
  std::int64_t layers = 0;
  for (auto const layer : setting.model.plan.moe_layers()) layers += layer > lowest(setting) ? 1 : 0;
  for (auto const i : batch) {
    auto const& example = setting.examples[i];
    count[example.retain ? Term::retain : Term::learn] += static_cast<double>(example.reply);
    count[Term::routing] += static_cast<double>(layers);
  }
  Terms const weight{{1, options.retain, options.routing}};
  Terms out;
  for (std::size_t t = 0; t < out.of.size(); ++t)
    if (count.of[t] > 0) out.of[t] = weight.of[t] / count.of[t];
  return out;
}

void add_pass(TuneSetting const& setting, Indices const& examples, Terms const& factor,
              TrainedExperts& trained, Terms& sums) {
  torch::NoGradGuard const no_graph;
  auto const& model = setting.model;
  auto const rows = rows_of(setting.corpus, setting.examples, examples);
  torch::Tensor kept_by_base;  // [m, H]
  std::optional<BaseLogits> base_logits;
  if (factor[Term::retain] > 0 || factor[Term::routing] > 0) {
    Indices needed;
    for (auto const i : examples)
      if (factor[Term::routing] > 0 || setting.examples[i].retain) needed.push_back(i);
    auto const of_base = rows_of(setting.corpus, setting.examples, needed);
    Pass pass{.rows = of_base.rows};
    if (factor[Term::routing] > 0) pass.tap = &base_logits.emplace(of_base.last, lowest(setting));
    trained.hide(true);
    kept_by_base = forward(model, pass).index_select(0, of_base.retained);
    trained.hide(false);
  }
  Pass pass{.rows = rows.rows};
  ThereAndBack walk(model, pass, lowest(setting));
  auto const hidden = walk.up();
  auto const gradient = reply_gradient(hidden, kept_by_base, rows, model.weights, model.plan, factor, sums);
  Training training(trained, rows, base_logits ? &*base_logits : nullptr, setting.options.routing_temperature,
                    factor[Term::routing], sums[Term::routing]);
  walk.down(gradient, training);
}

}  // namespace moerae
