#include "reduce/contrast/js.hpp"

#include "reduce/contrast/functions.hpp"
#include "reduce/contrast/group_sums.hpp"

namespace moerae::contrast {
namespace {

std::vector<double> mean_terms(Comparison const& groups, std::uint64_t seed) {
  auto const& space = groups.a.clusters.space;
  Relabelling const exchange(groups.a.clusters, groups.b.clusters, {.topic = false, .length = false});
  detail::UnitRows const rows(groups, exchange, detail::Measure::count);
  detail::GroupSums const count(rows, [&](std::size_t side, std::span<std::int64_t> out) {
    std::copy_n(rows.sides[side].usage, out.size(), out.begin());
  });
  auto const all_tokens = groups.a.total.tokens + groups.b.total.tokens;
  std::vector<Label> labels;
  std::vector<double> selections_a, selections_b;  // [R] k tokens
  for (std::uint32_t r = 0; r < js_relabellings; ++r) {
    auto const drawn = exchange.relabelled(seed, r);
    auto const tokens = rows.tokens_of_a(drawn);
    selections_a.push_back(static_cast<double>(space.top_k * tokens));
    selections_b.push_back(static_cast<double>(space.top_k * (all_tokens - tokens)));
    labels.insert(labels.end(), drawn.begin(), drawn.end());
  }
  PackedWeights const weights(labels, rows.units());
  std::vector<double> mean(space.size(), 0.0);
  std::vector<std::int64_t> of_a;
  for (std::size_t first = 0; first < mean.size(); first += detail::expert_block) {
    auto const n = std::min(detail::expert_block, mean.size() - first);
    count(weights, first, n, of_a);
    for (std::size_t r = 0; r < js_relabellings; ++r)
      for (std::size_t i = 0; i < n; ++i) {
        auto const in_a = of_a[r * n + i], in_b = count.of_both()[first + i] - in_a;
        mean[first + i] +=
            js_term(static_cast<double>(in_a) / selections_a[r], static_cast<double>(in_b) / selections_b[r]);
      }
  }
  for (auto& term : mean) term /= js_relabellings;
  return mean;
}

// Shares of the selections [L*K].
std::vector<double> shares(Group const& group) {
  auto q = activation_probability(group.total);
  for (auto& share : q) share /= static_cast<double>(group.clusters.space.top_k);
  return q;
}

// Sums of terms [L*K] over the experts of each layer [L].
std::vector<double> of_layers(ExpertSpace const& space, std::span<double const> terms) {
  std::vector<double> divergence(space.layers.size(), 0.0);
  for (std::size_t l = 0; l < divergence.size(); ++l)
    for (std::size_t e = 0; e < static_cast<std::size_t>(space.experts); ++e)
      divergence[l] += terms[space.index(l, e)];
  return divergence;
}

}  // namespace

JsEstimate js_estimate(Comparison const& groups, std::uint64_t seed) {
  JsEstimate out;
  auto const q_a = shares(groups.a), q_b = shares(groups.b);
  for (std::size_t e = 0; e < q_a.size(); ++e) out.plugin.push_back(js_term(q_a[e], q_b[e]));
  // relabellings depend on which group is called the first: here the one with the smaller cluster ids
  bool const turned = groups.b.clusters.clusters < groups.a.clusters.clusters;
  out.floor = mean_terms(turned ? Comparison{groups.b, groups.a} : Comparison{groups.a, groups.b}, seed);
  return out;
}

ContrastScore js(Comparison const& groups) {
  auto const estimate = js_estimate(groups);
  auto score = risk_difference(groups).score;
  for (std::size_t e = 0; e < score.size(); ++e) {
    auto const excess = estimate.plugin[e] - estimate.floor[e];
    score[e] = excess > 0 ? std::copysign(excess, score[e]) : 0;
  }
  return {std::move(score), of_layers(groups.a.clusters.space, estimate.plugin)};
}

}  // namespace moerae::contrast
