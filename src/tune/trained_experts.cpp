#include "tune/trained_experts.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/draws.hpp"

namespace moerae {
namespace {

MoeWeights& moe_of(ModelWeights& weights, LayerId layer) {
  return std::get<MoeWeights>(weights.layers[static_cast<std::size_t>(layer.value)].feed_forward);
}

std::int64_t elements(std::vector<std::int64_t> const& shape) {
  std::int64_t n = 1;
  for (auto const extent : shape) n *= extent;
  return n;
}

}  // namespace

TrainedExperts::TrainedExperts(ModelPlan const& plan, ModelWeights& weights,
                               std::vector<store::ExpertKey> const& chosen, TuneOptions const& options,
                               std::uint64_t seed)
    : weights_(weights), options_(options) {
  auto const add = [&](std::string name, std::vector<std::int64_t> shape, LinearWeights MlpWeights::*map,
                       torch::Tensor LowRank::*half) {
    auto const n = elements(shape);
    parts_.push_back({std::move(name), std::move(shape), size_, map, half});
    size_ += n;
  };
  auto const maps = [&](std::string const& name, std::int64_t out, std::int64_t in,
                        LinearWeights MlpWeights::*map) {
    if (options.method == Trained::full) return add(name + "/delta", {out, in}, map, nullptr);
    add(name + "/a", {options.rank, in}, map, &LowRank::a);
    add(name + "/b", {out, options.rank}, map, &LowRank::b);
  };
  auto const inner =
      plan.layers[static_cast<std::size_t>(plan.moe_layers().front().value)].moe()->intermediate;
  maps("gate_up", 2 * inner, plan.hidden, &MlpWeights::gate_up);
  maps("down", plan.hidden, inner, &MlpWeights::down);

  for (auto const& key : chosen) {
    auto const& moe = moe_of(weights, key.layer);
    auto const local = key.expert.value - moe.first;
    if (local >= 0 && local < static_cast<std::int64_t>(moe.experts.size())) own_.push_back(key);
  }
  tokens_.assign(own_.size(), 0);
  values_ = torch::zeros({static_cast<std::int64_t>(own_.size()) * size_}, torch::kFloat32);
  gradient_ = torch::zeros_like(values_);
  if (options.method == Trained::lora) draw(seed);
  install();
}

MlpWeights& TrainedExperts::expert(std::size_t own) const {
  auto& moe = moe_of(weights_, own_[own].layer);
  return moe.experts[static_cast<std::size_t>(own_[own].expert.value - moe.first)];
}

torch::Tensor TrainedExperts::part(std::size_t own, Part const& part, torch::Tensor const& of) const {
  return of.narrow(0, static_cast<std::int64_t>(own) * size_ + part.first, elements(part.shape))
      .view(part.shape);
}

std::map<std::string, std::vector<std::int64_t>> TrainedExperts::shapes() const {
  std::map<std::string, std::vector<std::int64_t>> out;
  for (auto const& p : parts_) out[p.name] = p.shape;
  return out;
}

torch::Tensor TrainedExperts::part(std::size_t own, std::string const& name, torch::Tensor const& of) const {
  return part(own, *std::ranges::find(parts_, name, &Part::name), of);
}

std::map<std::string, double> TrainedExperts::norms(std::size_t own) const {
  auto const added = [&](std::string const& map) {
    if (options_.method == Trained::full) return part(own, map + "/delta", values_);
    auto const scale = options_.alpha / static_cast<double>(options_.rank);
    return part(own, map + "/b", values_).matmul(part(own, map + "/a", values_)) * scale;
  };
  auto const norm = [](torch::Tensor const& t) { return t.to(torch::kFloat64).norm().item<double>(); };
  auto const both = added("gate_up").chunk(2);
  return {{"gate", norm(both[0])}, {"up", norm(both[1])}, {"down", norm(added("down"))}};
}

void TrainedExperts::draw(std::uint64_t seed) {
  for (std::size_t i = 0; i < own_.size(); ++i)
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (parts_[p].half != &LowRank::a) continue;
      auto const values = part(i, parts_[p], values_);
      auto* at = values.data_ptr<float>();
      auto const bound = 1 / std::sqrt(static_cast<double>(values.size(1)));
      auto const which = (static_cast<std::int64_t>(own_[i].layer.value) << 32) | own_[i].expert.value;
      for (std::int64_t j = 0; j < values.numel(); ++j) {
        auto const place = static_cast<std::uint32_t>(j * 4 + static_cast<std::int64_t>(p));
        auto const unit =
            std::ldexp(static_cast<double>(draw_key(seed, Draw::low_rank, place, which) >> 11), -53);
        at[j] = static_cast<float>((2 * unit - 1) * bound);
      }
    }
}

void TrainedExperts::install() {
  for (std::size_t i = 0; i < own_.size(); ++i) {
    auto const base = expert(i);
    auto tuned = base;
    for (auto const& p : parts_) {
      auto& map = tuned.*p.map;
      auto const dtype = weights_.embedding.scalar_type();
      auto leaf = torch::empty(p.shape, torch::TensorOptions(dtype)).requires_grad_(true);
      leaves_.push_back(leaf);
      if (!p.half) {
        map.set_dense(leaf);
        continue;
      }
      if (!map.adapter) map.adapter = LowRank{{}, {}, options_.alpha / static_cast<double>(options_.rank)};
      (*map.adapter).*p.half = leaf;
    }
    base_.push_back(base);
    tuned_.push_back(std::move(tuned));
  }
  show();
  hide(false);
}

void TrainedExperts::show() {
  torch::NoGradGuard const no_graph;
  for (std::size_t i = 0; i < own_.size(); ++i)
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      auto const& leaf = leaves_[i * parts_.size() + p];
      auto value = part(i, parts_[p], values_);
      if (!parts_[p].half)
        value = (base_[i].*parts_[p].map).dense(leaf.scalar_type()).to(torch::kFloat32) + value;
      leaf.detach().copy_(value);
    }
}

void TrainedExperts::hide(bool hidden) {
  for (std::size_t i = 0; i < own_.size(); ++i) expert(i) = (hidden ? base_ : tuned_)[i];
}

std::vector<torch::Tensor> TrainedExperts::leaves(LayerId layer) const {
  std::vector<torch::Tensor> out;
  for (std::size_t i = 0; i < own_.size(); ++i)
    if (own_[i].layer == layer)
      out.insert(out.end(), leaves_.begin() + static_cast<std::ptrdiff_t>(i * parts_.size()),
                 leaves_.begin() + static_cast<std::ptrdiff_t>((i + 1) * parts_.size()));
  return out;
}

void TrainedExperts::add_gradients(LayerId layer, std::vector<torch::Tensor> const& gradients) {
  auto next = gradients.begin();
  for (std::size_t i = 0; i < own_.size(); ++i)
    if (own_[i].layer == layer)
      for (auto const& p : parts_) part(i, p, gradient_).add_(next++->to(torch::kFloat32));
}

void TrainedExperts::count(LayerId layer, torch::Tensor const& choices) {
  for (std::size_t i = 0; i < own_.size(); ++i)
    if (own_[i].layer == layer) tokens_[i] += (choices == own_[i].expert.value).sum().item<std::int64_t>();
}

}  // namespace moerae
