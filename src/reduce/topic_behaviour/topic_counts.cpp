#include "reduce/topic_behaviour/topic_counts.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/base/draws.hpp"
#include "reduce/replication/halves.hpp"

namespace moerae {
namespace {

using Parts = std::vector<std::vector<bool>>;

/// The largest topics that have enough clusters, in both halves of every split; ascending.
std::vector<std::int32_t> choose_topics(UsageTable const& table, Parts const& in_part,
                                        TopicRule const& rule) {
  std::map<std::int32_t, std::vector<std::size_t>> rows;
  for (std::size_t c = 0; c < table.clusters.size(); ++c)
    if (table.topic[c] >= 0) rows[table.topic[c]].push_back(c);
  std::vector<std::pair<std::ptrdiff_t, std::int32_t>> enough;  // (- size, topic)
  for (auto const& [topic, which] : rows) {
    bool const halved = std::all_of(in_part.begin() + 1, in_part.end(), [&](auto const& part) {
      return std::ranges::any_of(which, [&](auto row) { return part[row] != part[which[0]]; });
    });
    if (which.size() >= rule.min_clusters && halved)
      enough.emplace_back(-static_cast<std::ptrdiff_t>(which.size()), topic);
  }
  std::ranges::sort(enough);
  if (enough.size() > rule.max_topics) enough.resize(rule.max_topics);
  std::vector<std::int32_t> topics;
  for (auto const& entry : enough) topics.push_back(entry.second);
  std::ranges::sort(topics);
  return topics;
}

struct Matched {
  std::uint64_t key;
  std::size_t a, b;  // rows
  friend auto operator<=>(Matched const&, Matched const&) = default;
};

/// Clusters with prompts in both groups, by ascending key.
std::vector<Matched> matched_clusters(UsageTable const& a, UsageTable const& b, TopicRule const& rule) {
  std::vector<Matched> matched;
  for (std::size_t i = 0; i < a.clusters.size(); ++i) {
    auto const at = std::ranges::lower_bound(b.clusters, a.clusters[i]);
    if (at != b.clusters.end() && *at == a.clusters[i])
      matched.push_back({draw_key(rule.seed, Draw::cluster_pairs, 0, a.clusters[i]), i,
                         static_cast<std::size_t>(at - b.clusters.begin())});
  }
  std::ranges::sort(matched);
  if (matched.size() > rule.max_pairs) matched.resize(rule.max_pairs);
  return matched;
}

/// Counts of one row of a tile to experts `first`, first + 1, ... of a sum.
void add_row(UsageTable const& tile, std::size_t row, std::uint32_t* first) {
  for (auto const n : tile.count_of(row)) *first++ += static_cast<std::uint32_t>(n);
}

}  // namespace

TopicCounts::TopicCounts(UsageTable const& a, UsageTable const& b, ExpertSpace whole, TopicRule const& rule)
    : space_(std::move(whole)), rule_(rule) {
  std::array<UsageTable const*, 2> const tables{&a, &b};
  for (std::size_t set = 0; set < 2; ++set)
    sums_[set].in_part.assign(1, std::vector<bool>(tables[set]->clusters.size(), true));
  for (std::uint32_t split = 0; split < rule.splits; ++split) {
    auto const halves = split_halves(a, b, rule.seed, split);
    for (std::size_t set = 0; set < 2; ++set) {
      auto& first = sums_[set].in_part.emplace_back();
      for (std::size_t c = 0; c < halves.clusters.size(); ++c)
        if (std::ranges::binary_search(tables[set]->clusters, halves.clusters[c]))
          first.push_back(!halves.second[c]);
    }
  }
  for (std::size_t set = 0; set < 2; ++set) set_sums(*tables[set], sums_[set]);
  auto const matched = matched_clusters(a, b, rule);
  for (auto const& m : matched) {
    pairs_.cluster.push_back(a.clusters[m.a]);
    pairs_.row[0].push_back(m.a);
    pairs_.row[1].push_back(m.b);
  }
  for (std::size_t set = 0; set < 2; ++set)
    for (auto const row : pairs_.row[set]) {
      pairs_.topic.push_back(tables[set]->topic[row]);
      pairs_.tokens.push_back(tables[set]->tokens[row]);
    }
  pairs_.count.resize(2 * matched.size() * space_.size());
}

void TopicCounts::set_sums(UsageTable const& table, SetSums& sums) const {
  auto const total = std::accumulate(table.tokens.begin(), table.tokens.end(), std::int64_t{0});
  expect(std::ranges::all_of(table.tokens, [](auto n) { return n > 0; }), "{}: a cluster without tokens",
         table.name);
  ensure(total <= std::numeric_limits<std::uint32_t>::max(),
         "{}: {} tokens are more than counts of 32 bits hold", table.name, total);
  sums.name = table.name;
  sums.topics = choose_topics(table, sums.in_part, rule_);
  sums.with_topic = std::ranges::count_if(table.topic, [](auto topic) { return topic >= 0; });
  auto const cells = sums.topics.size() + 1, parts = sums.in_part.size();
  sums.clusters.assign(cells, 0);
  sums.tokens.assign(cells * parts, 0);
  sums.count.assign(cells * parts * space_.size(), 0);
  for (std::size_t row = 0; row < table.clusters.size(); ++row) {
    auto const at = std::ranges::lower_bound(sums.topics, table.topic[row]);
    bool const chosen = at != sums.topics.end() && *at == table.topic[row];
    auto const cell = chosen ? static_cast<std::size_t>(at - sums.topics.begin()) + 1 : 0;
    sums.cell_of.push_back(cell);
    for (auto const of : {std::size_t{0}, cell}) {
      ++sums.clusters[of];
      for (std::size_t part = 0; part < parts; ++part)
        if (sums.in_part[part][row]) sums.tokens[of * parts + part] += table.tokens[row];
      if (cell == 0) break;  // of all clusters only
    }
  }
}

void TopicCounts::add(UsageTable const& a, UsageTable const& b) {
  std::array<UsageTable const*, 2> const tables{&a, &b};
  expect(a.space == b.space && !a.space.layers.empty(), "topic counts: {} and {} have other experts", a.name,
         b.name);
  auto const found = std::ranges::search(space_.layers, a.space.layers);
  expect(!found.empty(), "topic counts: a tile of other layers than the model's");
  auto const first = space_.index(static_cast<std::size_t>(found.begin() - space_.layers.begin()), 0);
  for (std::size_t s = 0; s < 2; ++s) {
    auto& sums = sums_[s];
    auto const& tile = *tables[s];
    expect(tile.clusters.size() == sums.cell_of.size(), "topic counts: {} has other clusters in this tile",
           tile.name);
    auto const parts = sums.in_part.size();
    for (std::size_t row = 0; row < sums.cell_of.size(); ++row)
      for (std::size_t part = 0; part < parts; ++part) {
        if (!sums.in_part[part][row]) continue;
        add_row(tile, row, &sums.count[part * space_.size() + first]);
        if (auto const cell = sums.cell_of[row]; cell > 0)
          add_row(tile, row, &sums.count[(cell * parts + part) * space_.size() + first]);
      }
    auto const pairs = pairs_.cluster.size();
    for (std::size_t m = 0; m < pairs; ++m)
      add_row(tile, pairs_.row[s][m], &pairs_.count[(s * pairs + m) * space_.size() + first]);
  }
}

void TopicCounts::write(store::File& file, std::string const& folder) const {
  auto const layers = std::uint64_t{space_.layers.size()};
  auto const experts = static_cast<std::uint64_t>(space_.experts);
  auto const write_counts = [&](std::string const& name, std::vector<std::uint32_t> const& count,
                                std::uint64_t rows, std::uint64_t columns) {
    file.write(name, count, {rows, columns, layers, experts},
               {.chunk = {1, columns, layers, experts}, .deflate = 1, .shuffle = true});
    file.attach_scale(name, 2, "layer", "layer");
    file.attach_scale(name, 3, "expert", "expert");
  };
  for (std::size_t s = 0; s < 2; ++s) {
    auto const& sums = sums_[s];
    auto const group = folder + (s == 0 ? "/a" : "/b");
    std::uint64_t const cells = sums.clusters.size(), parts = sums.in_part.size();
    file.write(group + "/topic", sums.topics, {cells - 1});
    file.write(group + "/clusters", sums.clusters, {cells});
    file.write(group + "/tokens", sums.tokens, {cells, parts});
    write_counts(group + "/count", sums.count, cells, parts);
    file.set_attribute(group, "name", sums.name);
    file.set_attribute(group, "with_topic", sums.with_topic);
  }
  std::uint64_t const pairs = pairs_.cluster.size();
  file.write(folder + "/pairs/cluster", pairs_.cluster, {pairs});
  file.write(folder + "/pairs/topic", pairs_.topic, {2, pairs});
  file.write(folder + "/pairs/tokens", pairs_.tokens, {2, pairs});
  write_counts(folder + "/pairs/count", pairs_.count, 2, pairs);
  file.set_attribute(folder, "top_k", space_.top_k);
  file.set_attribute(folder, "min_clusters", rule_.min_clusters);
}

}  // namespace moerae
