#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/reduce/resampling/resample.hpp"
#include "reduce/topic_behaviour/topic_design.hpp"

namespace moerae {
namespace {

struct Matched {
  std::uint64_t key;
  std::size_t a, b;  // rows
  friend auto operator<=>(Matched const&, Matched const&) = default;
};

/// Clusters with prompts in both groups, by ascending key.
std::vector<Matched> matched_clusters(UsageTable const& a, UsageTable const& b, TopicRule const& rule) {
  std::vector<Matched> matched;
  for (std::size_t i = 0, j = 0; i < a.clusters.size() && j < b.clusters.size();) {
    if (a.clusters[i] == b.clusters[j])
      matched.push_back({cluster_key(rule.seed, Stream::cluster_pairs, 0, a.clusters[i]), i, j});
    auto const id = std::min(a.clusters[i], b.clusters[j]);
    i += a.clusters[i] == id ? 1 : 0;
    j += b.clusters[j] == id ? 1 : 0;
  }
  std::ranges::sort(matched);
  if (matched.size() > rule.max_pairs) matched.resize(rule.max_pairs);
  return matched;
}

void add_facts(UsageTable const& a, UsageTable const& b, PairDesign& row) {
  auto& facts = row.facts;
  facts.comparisons = row.units.size();
  facts.clusters = {1, 1};
  double comparisons = 0;
  for (auto const& unit : row.units)
    for (auto const& [x, y] : unit) {
      comparisons += 1;
      facts.tokens[0] += static_cast<double>((x.side == 0 ? a : b).tokens[x.row]);
      facts.tokens[1] += static_cast<double>((y.side == 0 ? a : b).tokens[y.row]);
    }
  for (auto& tokens : facts.tokens) tokens /= comparisons;
}

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> pair_clusters(
    std::vector<std::array<std::int32_t, 2>> const& topics, bool same_topic) {
  auto const known = [&](std::size_t i) { return topics[i][0] >= 0 && topics[i][1] >= 0; };
  auto const fits = [&](std::size_t i, std::size_t j) {
    return same_topic ? topics[i] == topics[j] : topics[i][0] != topics[j][0] && topics[i][1] != topics[j][1];
  };
  std::vector<bool> taken(topics.size(), false);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < topics.size(); ++i)
    for (std::size_t j = i + 1; j < topics.size() && !taken[i] && known(i); ++j)
      if (!taken[j] && known(j) && fits(i, j)) {
        taken[i] = taken[j] = true;
        pairs.emplace_back(i, j);
      }
  return pairs;
}

void design_pairs(UsageTable const& a, UsageTable const& b, TopicRule const& rule, TopicDesign& design) {
  auto const matched = matched_clusters(a, b, rule);
  std::vector<std::array<std::int32_t, 2>> topics;
  PairDesign sides;
  for (auto const& m : matched) {
    topics.push_back({a.topic[m.a], b.topic[m.b]});
    sides.units.push_back({{ClusterRef{0, m.a}, ClusterRef{1, m.b}}});
  }
  auto const offer = [&](PairDesign row, std::string const& name, std::string const& of) {
    row.facts.name = name;
    row.facts.of = of;
    if (row.units.size() < rule.min_clusters) {
      design.absent.push_back(fmt::format("{}: {} of them ({}), at least {} are needed", name,
                                          row.units.size(), of, rule.min_clusters));
      return;
    }
    add_facts(a, b, row);
    design.pairs.push_back(std::move(row));
  };
  auto const within = [&](bool same_topic) {
    PairDesign row;
    for (auto const& [i, j] : pair_clusters(topics, same_topic))
      row.units.push_back({{ClusterRef{0, matched[i].a}, ClusterRef{0, matched[j].a}},
                           {ClusterRef{1, matched[i].b}, ClusterRef{1, matched[j].b}}});
    return row;
  };
  offer(std::move(sides), "matched_pairs",
        fmt::format("clusters with prompts in both {} and {}", a.name, b.name));
  offer(within(false), "cross_topic_pairs", "pairs of these clusters, of different topics, in one set");
  offer(within(true), "same_topic_pairs", "pairs of these clusters, of one topic, in one set");
}

}  // namespace moerae
