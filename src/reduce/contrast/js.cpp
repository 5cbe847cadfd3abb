#include "reduce/contrast/js.hpp"

#include "reduce/contrast/functions.hpp"
#include "reduce/contrast/relabelling.hpp"
#include "reduce/resampling/integer_product.hpp"

namespace moerae::contrast {
namespace {

// Sums of the first group under a relabelling = what stays there whatever the labels (`still`: the b side of
// pairs) + labels x what a label of 1 adds (`moved`: a - b of a pair, the row of another cluster).
struct Relabelled {
  std::int64_t still_tokens = 0;
  std::vector<std::int64_t> moved_tokens;  // [U]
  std::vector<std::int64_t> still;         // [L*K]
  PackedColumns moved;                     // [U, L*K]
};

Relabelled prepare(UsageTable const& a, UsageTable const& b, std::span<Unit const> units) {
  auto const size = a.space.size();
  auto const row = [](std::ptrdiff_t i) { return static_cast<std::size_t>(i); };
  auto const fill = [&](std::size_t u, std::span<std::int64_t> out) {
    auto const& unit = units[u];
    if (unit.a >= 0)
      for (std::size_t e = 0; e < size; ++e) out[e] += a.count[row(unit.a) * size + e];
    if (unit.b >= 0)
      for (std::size_t e = 0; e < size; ++e)
        out[e] += (unit.pair() ? -1 : 1) * b.count[row(unit.b) * size + e];
  };
  Relabelled out{0, {}, std::vector<std::int64_t>(size, 0), PackedColumns(units.size(), size, fill)};
  for (auto const& unit : units) {
    auto const in_a = unit.a < 0 ? 0 : a.tokens[row(unit.a)], in_b = unit.b < 0 ? 0 : b.tokens[row(unit.b)];
    out.moved_tokens.push_back(unit.pair() ? in_a - in_b : in_a + in_b);
    if (!unit.pair()) continue;
    out.still_tokens += in_b;
    for (std::size_t e = 0; e < size; ++e) out.still[e] += b.count[row(unit.b) * size + e];
  }
  return out;
}

std::vector<double> mean_terms(Group const& a, Group const& b, std::uint64_t seed) {
  Relabelling const exchange(a.clusters, b.clusters, {.topic = false, .length = false});
  auto const units = exchange.units();
  auto const base = prepare(a.clusters, b.clusters, units);
  auto const k = a.clusters.space.top_k;
  auto const size = base.still.size();
  auto const all_tokens = a.total.tokens + b.total.tokens;
  std::vector<Label> labels;
  std::vector<double> selections_a, selections_b;  // [R] k tokens
  for (std::uint32_t r = 0; r < js_relabellings; ++r) {
    auto const drawn = exchange.relabelled(seed, r);
    auto tokens = base.still_tokens;
    for (std::size_t u = 0; u < units.size(); ++u) tokens += drawn[u] * base.moved_tokens[u];
    selections_a.push_back(static_cast<double>(k * tokens));
    selections_b.push_back(static_cast<double>(k * (all_tokens - tokens)));
    labels.insert(labels.end(), drawn.begin(), drawn.end());
  }
  PackedWeights const weights(labels, units.size());
  std::vector<double> mean(size, 0.0);
  std::vector<std::int64_t> sums;
  for (std::size_t first = 0; first < size; first += column_block) {
    auto const n = std::min(column_block, size - first);
    sums.resize(js_relabellings * n);
    integer_product(weights, base.moved, first, n, sums);
    for (std::size_t r = 0; r < js_relabellings; ++r)
      for (std::size_t i = 0; i < n; ++i) {
        auto const e = first + i;
        auto const in_a = base.still[e] + sums[r * n + i];
        auto const in_b = a.total.count[e] + b.total.count[e] - in_a;
        mean[e] +=
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

}  // namespace

JsEstimate js_estimate(Comparison const& groups, std::uint64_t seed) {
  JsEstimate out;
  auto const q_a = shares(groups.a), q_b = shares(groups.b);
  for (std::size_t e = 0; e < q_a.size(); ++e) out.plugin.push_back(js_term(q_a[e], q_b[e]));
  // relabellings depend on which group is called the first: here the one with the smaller cluster ids
  bool const turned = groups.b.clusters.clusters < groups.a.clusters.clusters;
  out.floor = turned ? mean_terms(groups.b, groups.a, seed) : mean_terms(groups.a, groups.b, seed);
  return out;
}

std::vector<double> js_of_layers(ExpertSpace const& space, std::span<double const> terms) {
  std::vector<double> divergence(space.layers.size(), 0.0);
  for (std::size_t l = 0; l < divergence.size(); ++l)
    for (std::size_t e = 0; e < static_cast<std::size_t>(space.experts); ++e)
      divergence[l] += terms[space.index(l, e)];
  return divergence;
}

ContrastScore js(Comparison const& groups) {
  auto const estimate = js_estimate(groups);
  auto score = risk_difference(groups).score;
  for (std::size_t e = 0; e < score.size(); ++e) {
    auto const excess = estimate.plugin[e] - estimate.floor[e];
    score[e] = excess > 0 ? std::copysign(excess, score[e]) : 0;
  }
  return {std::move(score), js_of_layers(groups.a.clusters.space, estimate.plugin)};
}

}  // namespace moerae::contrast
