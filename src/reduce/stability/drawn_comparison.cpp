#include "reduce/stability/drawn_comparison.hpp"

#include <algorithm>
#include <iterator>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

struct Draw {
  std::span<std::int64_t const> clusters;
  std::span<std::int16_t const> weights;
  std::vector<std::int64_t> id;  // of the first copy of each cluster; further ones follow
};

Draw draw_of(std::span<std::int64_t const> clusters, std::span<std::int16_t const> weights) {
  Draw draw{clusters, weights, {}};
  if (std::ranges::all_of(weights, [](auto w) { return w <= 1; })) {
    draw.id.assign(clusters.begin(), clusters.end());
    return draw;
  }
  std::int64_t next = 0;
  for (auto const w : weights) {
    draw.id.push_back(next);
    next += w;
  }
  return draw;
}

void copy_row(std::vector<std::int64_t> const& from, std::size_t row, std::size_t size,
              std::vector<std::int64_t>& to) {
  if (from.empty()) return;  // gate mass of same-token tables
  auto const start = from.begin() + static_cast<std::ptrdiff_t>(row * size);
  to.insert(to.end(), start, start + static_cast<std::ptrdiff_t>(size));
}

UsageTable rows_drawn(UsageTable const& table, Draw const& draw) {
  UsageTable out(table.name, table.space, {});
  std::size_t at = 0, rows = 0;
  for (auto const w : draw.weights) rows += static_cast<std::size_t>(w);
  rows = std::min(rows, 2 * table.clusters.size());  // more only by bootstrap draws
  out.count.reserve(rows * table.space.size());
  if (!table.mass.empty()) out.mass.reserve(rows * table.space.size());
  for (std::size_t row = 0; row < table.clusters.size(); ++row) {
    while (draw.clusters[at] != table.clusters[row]) ++at;
    for (std::int16_t copy = 0; copy < draw.weights[at]; ++copy) {
      out.clusters.push_back(draw.id[at] + copy);
      out.tokens.push_back(table.tokens[row]);
      out.topic.push_back(table.topic[row]);
      out.length.push_back(table.length[row]);
      copy_row(table.count, row, table.space.size(), out.count);
      copy_row(table.mass, row, table.space.size(), out.mass);
    }
  }
  return out;
}

UsageTable layers_of(UsageTable const& table, ExpertSpace const& space, std::size_t first) {
  auto out = with_layers(table, space);
  auto const part = [&](std::vector<std::int64_t> const& from, std::vector<std::int64_t>& to) {
    to.clear();
    if (from.empty()) return;  // gate mass of same-token tables
    to.reserve(table.clusters.size() * space.size());
    for (std::size_t c = 0; c < table.clusters.size(); ++c) {
      auto const start = from.begin() + static_cast<std::ptrdiff_t>(c * table.space.size() + first);
      to.insert(to.end(), start, start + static_cast<std::ptrdiff_t>(space.size()));
    }
  };
  part(table.count, out.count);
  part(table.mass, out.mass);
  return out;
}

void check_group(UsageTable const& whole, Draw const& draw) {
  std::size_t at = 0;
  bool const any = std::ranges::any_of(whole.clusters, [&](std::int64_t cluster) {
    while (draw.clusters[at] != cluster) ++at;
    return draw.weights[at] > 0;
  });
  validate<ConfigError>(
      any,
      "a replicate has none of the {} cluster(s) of set {} among {} of both groups, so there "
      "is nothing to compare; record more prompts of that set, or compare sets of more equal "
      "size",
      whole.clusters.size(), whole.name, draw.clusters.size());
}

}  // namespace

std::vector<std::int64_t> clusters_of_both(UsageTable const& a, UsageTable const& b) {
  std::vector<std::int64_t> ids;
  std::ranges::set_union(a.clusters, b.clusters, std::back_inserter(ids));
  return ids;
}

OwnedComparison sliced(Comparison const& whole, std::size_t first_layer, std::size_t layers) {
  auto space = whole.a.clusters.space;
  auto const first = space.index(first_layer, 0);
  auto const begin = space.layers.begin() + static_cast<std::ptrdiff_t>(first_layer);
  space.layers = std::vector(begin, begin + static_cast<std::ptrdiff_t>(layers));
  return {whole, [&](UsageTable const& table) { return layers_of(table, space, first); }};
}

OwnedComparison drawn(Comparison const& whole, std::span<std::int64_t const> clusters,
                      std::span<std::int16_t const> weights) {
  expect(weights.size() == clusters.size(), "{} weights of {} clusters", weights.size(), clusters.size());
  auto const draw = draw_of(clusters, weights);
  check_group(whole.a.clusters, draw);
  check_group(whole.b.clusters, draw);
  return {whole, [&](UsageTable const& table) { return rows_drawn(table, draw); }};
}

}  // namespace moerae
