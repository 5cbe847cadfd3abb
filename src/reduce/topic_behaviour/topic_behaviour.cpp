#include "reduce/topic_behaviour/topic_behaviour.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "reduce/topic_behaviour/profile.hpp"

namespace moerae {
namespace {

using Tables = std::array<UsageTable const*, 2>;
using Profiles = std::array<std::vector<Profile>, 2>;  // by side and topic, all clusters last

/// Of the clusters in `half` (2: of all).
Profiles profiles_of(ExpertSpace const& space, TopicDesign const& design, Tables const& tables,
                     std::array<std::vector<std::uint8_t>, 2> const* split, std::uint8_t half) {
  Profiles out;
  auto const size = space.size();
  for (std::size_t side = 0; side < 2; ++side) {
    auto const& table = *tables[side];
    auto const cells = design.topics[side].size() + 1;  // the last: other clusters, then all
    std::vector<std::int64_t> count(cells * size, 0), tokens(cells, 0);
    for (std::size_t r = 0; r < table.clusters.size(); ++r) {
      if (split != nullptr && (*split)[side][r] != half) continue;
      auto const cell = design.topic_of[side][r];
      tokens[cell] += table.tokens[r];
      auto const row = table.count_of(r);
      auto const sum = std::span(count).subspan(cell * size, size);
      for (std::size_t e = 0; e < size; ++e) sum[e] += row[e];
    }
    auto const all = std::span(count).subspan((cells - 1) * size, size);
    for (std::size_t cell = 0; cell + 1 < cells; ++cell) {
      auto const sum = std::span(count).subspan(cell * size, size);
      out[side].push_back(profile_of(space, sum, tokens[cell]));
      for (std::size_t e = 0; e < size; ++e) all[e] += sum[e];
      tokens.back() += tokens[cell];
    }
    if (tokens.back() > 0) out[side].push_back(profile_of(space, all, tokens.back()));
  }
  return out;
}

using Measure = double (*)(ExpertSpace const&, Profile const&, Profile const&, std::size_t layer);

struct At {
  std::size_t layer;   // of the tile
  std::size_t figure;  // index into the series of a row
};

/// Figures of one quantity in one layer and split, for all rows.
void add_split(ExpertSpace const& space, TopicDesign const& design, Profiles const& h0, Profiles const& h1,
               Measure measure, At at, std::vector<PooledRow>& rows, PooledSeries PooledRow::*quantity) {
  std::array<std::vector<double>, 2> noise;  // by side and topic: between its halves
  for (std::size_t side = 0; side < 2; ++side)
    for (std::size_t cell = 0; cell < std::min(h0[side].size(), h1[side].size()); ++cell)
      noise[side].push_back(measure(space, h0[side][cell], h1[side][cell], at.layer));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto const& comparisons = design.pooled[i].comparisons;
    auto const share = 1 / static_cast<double>(comparisons.size());
    auto& series = rows[i].*quantity;
    for (auto const& [x, y] : comparisons) {
      auto const between = [&](Profiles const& of_x, Profiles const& of_y) {
        return measure(space, of_x[x.side][x.topic], of_y[y.side][y.topic], at.layer);
      };
      series.first[at.figure] += share * between(h0, h0);
      series.second[at.figure] += share * between(h1, h1);
      // other clusters on either side, as between the halves of one group: pairs do not cancel out
      series.equal[at.figure] += share * (between(h0, h1) + between(h1, h0)) / 2;
      series.floor[at.figure] += share * (noise[x.side][x.topic] + noise[y.side][y.topic]) / 2;
    }
  }
}

void extend(PooledSeries& series, std::size_t layers, std::size_t splits) {
  series.value.resize(series.value.size() + layers);
  for (auto* values : {&series.first, &series.second, &series.equal, &series.floor})
    values->resize(values->size() + layers * splits);
}

constexpr std::pair<PooledSeries PooledRow::*, Measure> quantities[] = {
    {&PooledRow::js, js_of_layer}, {&PooledRow::overlap, overlap_of_layer}};

}  // namespace

TopicBehaviour::TopicBehaviour(UsageTable const& a, UsageTable const& b, TopicRule const& rule)
    : design_(design_topics(a, b, rule)), pooled_(design_.pooled.size()), pairs_(design_.pairs.size()) {}

void TopicBehaviour::add(UsageTable const& a, UsageTable const& b) {
  auto const& space = a.space;
  expect(space == b.space && !space.layers.empty(), "topic table: {} and {} have other experts", a.name,
         b.name);
  expect(a.clusters.size() == design_.topic_of[0].size() && b.clusters.size() == design_.topic_of[1].size(),
         "topic table: {} and {} have other clusters in this tile", a.name, b.name);
  expect(layers_.empty() || space.layers.front() > layers_.back(), "topic table: layer {} after layer {}",
         space.layers.front(), layers_.empty() ? -1 : layers_.back());
  layers_.insert(layers_.end(), space.layers.begin(), space.layers.end());
  top_k_ = space.top_k;
  add_pooled(space, a, b);
  add_pairs(space, a, b);
}

void TopicBehaviour::add_pooled(ExpertSpace const& space, UsageTable const& a, UsageTable const& b) {
  if (pooled_.empty()) return;
  Tables const tables{&a, &b};
  auto const layers = space.layers.size(), done = layers_.size() - layers;
  auto const splits = design_.half.size();
  for (auto& row : pooled_)
    for (auto const& [quantity, measure] : quantities) extend(row.*quantity, layers, splits);
  auto const full = profiles_of(space, design_, tables, nullptr, 2);
  for (auto const& [quantity, measure] : quantities)
    for (std::size_t i = 0; i < pooled_.size(); ++i)
      for (std::size_t l = 0; l < layers; ++l) {
        double sum = 0;
        for (auto const& [x, y] : design_.pooled[i].comparisons)
          sum += measure(space, full[x.side][x.topic], full[y.side][y.topic], l);
        (pooled_[i].*quantity).value[done + l] =
            sum / static_cast<double>(design_.pooled[i].comparisons.size());
      }
  for (std::size_t split = 0; split < splits; ++split) {
    auto const h0 = profiles_of(space, design_, tables, &design_.half[split], 0);
    auto const h1 = profiles_of(space, design_, tables, &design_.half[split], 1);
    for (auto const& [quantity, measure] : quantities)
      for (std::size_t l = 0; l < layers; ++l)
        add_split(space, design_, h0, h1, measure, {l, (done + l) * splits + split}, pooled_, quantity);
  }
}

void TopicBehaviour::add_pairs(ExpertSpace const& space, UsageTable const& a, UsageTable const& b) {
  auto const layers = space.layers.size();
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    auto const& units = design_.pairs[i].units;
    auto const start = pairs_[i].js.size();
    pairs_[i].js.resize(start + layers * units.size());
    pairs_[i].overlap.resize(start + layers * units.size());
    for (std::size_t u = 0; u < units.size(); ++u)
      for (auto const& [x, y] : units[u]) {
        auto const profile = [&](ClusterRef const& ref) {
          auto const& table = ref.side == 0 ? a : b;
          return profile_of(space, table.count_of(ref.row), table.tokens[ref.row]);
        };
        auto const p = profile(x), q = profile(y);
        auto const share = 1 / static_cast<double>(units[u].size());
        for (std::size_t l = 0; l < layers; ++l) {
          auto const at = start + l * units.size() + u;
          pairs_[i].js[at] += share * js_of_layer(space, p, q, l);
          pairs_[i].overlap[at] += share * overlap_of_layer(space, p, q, l);
        }
      }
  }
}

}  // namespace moerae
