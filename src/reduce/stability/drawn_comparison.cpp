#include "reduce/stability/drawn_comparison.hpp"

#include <algorithm>
#include <iterator>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

using Values = std::vector<std::int64_t>;

// The layers of `range` in values [C, L*K].
Values layers_of(Values const& values, ExpertSpace const& space, LayerRange range) {
  Values out;
  auto const n = space.index(range.n, 0);
  out.reserve(values.size() / space.size() * n);
  for (auto first = space.index(range.first, 0); first < values.size(); first += space.size()) {
    auto const start = values.begin() + static_cast<std::ptrdiff_t>(first);
    out.insert(out.end(), start, start + static_cast<std::ptrdiff_t>(n));
  }
  return out;
}

UsageTable layers_of(UsageTable const& table, LayerRange range) {
  auto out = with_layers(table, table.space.part(range));
  out.count = layers_of(table.count, table.space, range);
  out.mass = layers_of(table.mass, table.space, range);
  return out;
}

// Rows of a table, as often as they are drawn, and the ids that they get.
struct Drawn {
  std::vector<std::size_t> rows;
  Values ids;

  Drawn(UsageTable const& table, std::span<std::int64_t const> clusters,
        std::span<std::int16_t const> weights) {
    bool const again = std::ranges::any_of(weights, [](auto w) { return w > 1; });
    std::int64_t copies = 0;  // of the clusters before
    for (std::size_t c = 0, row = 0; row < table.clusters.size(); copies += weights[c++]) {
      if (clusters[c] != table.clusters[row]) continue;
      for (std::int16_t copy = 0; copy < weights[c]; ++copy) {
        rows.push_back(row);
        ids.push_back(again ? copies + copy : clusters[c]);
      }
      ++row;
    }
    validate<ConfigError>(
        !rows.empty(),
        "a replicate has none of the {} cluster(s) of set {} among {} of both groups, so there is nothing to "
        "compare; record more prompts of that set, or compare sets of more equal size",
        table.clusters.size(), table.name, clusters.size());
  }
  [[nodiscard]] UsageTable of(UsageTable const& table) const {
    auto out = rows_of(table, rows);
    out.clusters = ids;
    return out;
  }
  [[nodiscard]] SameToken::Rows of(SameToken::Rows const& same, std::size_t width) const {
    return {rows_of(same.tokens, rows), rows_of(same.sum, rows, width)};
  }
};

}  // namespace

std::vector<std::int64_t> clusters_of_both(UsageTable const& a, UsageTable const& b) {
  std::vector<std::int64_t> ids;
  std::ranges::set_union(a.clusters, b.clusters, std::back_inserter(ids));
  return ids;
}

OwnedComparison sliced(Comparison const& whole, LayerRange layers) {
  auto const &a = whole.a.clusters, &b = whole.b.clusters;
  OwnedComparison out{layers_of(a, layers), layers_of(b, layers), {}};
  if (auto const* same = whole.same_token; same != nullptr)
    out.same_token = {{same->a.tokens, layers_of(same->a.sum, a.space, layers)},
                      {same->b.tokens, layers_of(same->b.sum, b.space, layers)}};
  return out;
}

OwnedComparison drawn(Comparison const& whole, std::span<std::int64_t const> clusters,
                      std::span<std::int16_t const> weights) {
  expect(weights.size() == clusters.size(), "{} weights of {} clusters", weights.size(), clusters.size());
  auto const &a = whole.a.clusters, &b = whole.b.clusters;
  Drawn const of_a(a, clusters, weights), of_b(b, clusters, weights);
  OwnedComparison out{of_a.of(a), of_b.of(b), {}};
  if (auto const* same = whole.same_token; same != nullptr)
    out.same_token = {of_a.of(same->a, a.space.size()), of_b.of(same->b, b.space.size())};
  return out;
}

}  // namespace moerae
