#include "reduce/topic_behaviour/topic_design.hpp"

#include <algorithm>
#include <map>

#include "moerae/base/check.hpp"
#include "reduce/replication/halves.hpp"

namespace moerae {
namespace {

using Sides = std::array<UsageTable const*, 2>;

std::vector<std::array<std::vector<std::uint8_t>, 2>> split_rows(Sides const& sides, TopicRule const& rule) {
  std::vector<std::array<std::vector<std::uint8_t>, 2>> half(rule.splits);
  for (std::uint32_t split = 0; split < rule.splits; ++split) {
    auto const halves = split_halves(*sides[0], *sides[1], rule.seed, split);
    for (std::size_t side = 0; side < 2; ++side) {
      half[split][side].assign(sides[side]->clusters.size(), 0);
      for (auto const row : (side == 0 ? halves.a : halves.b)[1]) half[split][side][row] = 1;
    }
  }
  return half;
}

/// Rows of each known topic.
std::map<std::int32_t, std::vector<std::size_t>> rows_by_topic(UsageTable const& table) {
  std::map<std::int32_t, std::vector<std::size_t>> rows;
  for (std::size_t c = 0; c < table.clusters.size(); ++c)
    if (table.topic[c] >= 0) rows[table.topic[c]].push_back(c);
  return rows;
}

/// The largest topics that have enough clusters, in both halves of every split.
std::vector<std::int32_t> choose_topics(TopicDesign const& design, std::size_t side,
                                        std::map<std::int32_t, std::vector<std::size_t>> const& rows,
                                        TopicRule const& rule) {
  std::vector<std::pair<std::ptrdiff_t, std::int32_t>> enough;  // (- size, topic)
  for (auto const& [topic, which] : rows) {
    bool const halved = std::ranges::all_of(design.half, [&](auto const& half) {
      auto const in_first = [&](std::size_t row) { return half[side][row] == half[side][which[0]]; };
      return !std::ranges::all_of(which, in_first);
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

void add_facts(TopicDesign const& design, Sides const& sides, PooledDesign& row) {
  auto& facts = row.facts;
  facts.comparisons = row.comparisons.size();
  for (auto const& [x, y] : row.comparisons)
    for (std::size_t i = 0; i < 2; ++i) {
      auto const& cell = i == 0 ? x : y;
      bool const all = cell.topic >= design.topics[cell.side].size();
      for (std::size_t r = 0; r < design.topic_of[cell.side].size(); ++r) {
        if (!all && design.topic_of[cell.side][r] != cell.topic) continue;
        facts.clusters[i] += 1;
        facts.tokens[i] += static_cast<double>(sides[cell.side]->tokens[r]);
      }
    }
  for (std::size_t i = 0; i < 2; ++i) {
    facts.clusters[i] /= static_cast<double>(facts.comparisons);
    facts.tokens[i] /= static_cast<double>(facts.comparisons);
  }
}

PooledDesign pooled(TopicDesign const& design, Sides const& sides) {
  return {{"pooled", fmt::format("{} against {}, all topics together", sides[0]->name, sides[1]->name)},
          {{Cell{0, design.topics[0].size()}, Cell{1, design.topics[1].size()}}}};
}

PooledDesign topic_changed(TopicDesign const& design, Sides const& sides, std::size_t side) {
  PooledDesign row{{side == 0 ? "topic_changed_a" : "topic_changed_b",
                    fmt::format("{}: one topic against another", sides[side]->name)},
                   {}};
  for (std::size_t x = 0; x < design.topics[side].size(); ++x)
    for (std::size_t y = x + 1; y < design.topics[side].size(); ++y)
      row.comparisons.push_back({{side, x}, {side, y}});
  return row;
}

PooledDesign behaviour_changed(TopicDesign const& design, Sides const& sides) {
  PooledDesign row{
      {"behaviour_changed", fmt::format("{} against {} inside one topic", sides[0]->name, sides[1]->name)},
      {}};
  auto const& [of_a, of_b] = design.topics;
  for (std::size_t x = 0; x < of_a.size(); ++x) {
    auto const y = std::ranges::lower_bound(of_b, of_a[x]);
    if (y != of_b.end() && *y == of_a[x])
      row.comparisons.push_back({{0, x}, {1, static_cast<std::size_t>(y - of_b.begin())}});
  }
  return row;
}

}  // namespace

TopicDesign design_topics(UsageTable const& a, UsageTable const& b, TopicRule const& rule) {
  Sides const sides{&a, &b};
  TopicDesign design;
  design.splits = rule.splits;
  for (auto const* table : sides)
    expect(std::ranges::all_of(table->tokens, [](auto n) { return n > 0; }), "{}: a cluster without tokens",
           table->name);
  design.half = split_rows(sides, rule);
  for (std::size_t side = 0; side < 2; ++side) {
    auto const rows = rows_by_topic(*sides[side]);
    auto& topics = design.topics[side] = choose_topics(design, side, rows, rule);
    design.topic_of[side].assign(sides[side]->clusters.size(), topics.size());
    for (std::size_t t = 0; t < topics.size(); ++t)
      for (auto const row : rows.at(topics[t])) design.topic_of[side][row] = t;
  }
  auto const offer = [&](PooledDesign row, std::string const& reason) {
    if (row.comparisons.empty()) {
      design.absent.push_back(fmt::format("{}: {} ({})", row.facts.name, reason, row.facts.of));
      return;
    }
    add_facts(design, sides, row);
    design.pooled.push_back(std::move(row));
  };
  if (std::min(a.clusters.size(), b.clusters.size()) >= 2)
    offer(pooled(design, sides), "");
  else
    design.absent.push_back(
        fmt::format("pooled: {} has {} clusters and {} has {}, each needs 2 for its halves", a.name,
                    a.clusters.size(), b.name, b.clusters.size()));
  auto const need = [&](std::string const& what) {
    bool const unknown = std::ranges::all_of(a.topic, [](auto t) { return t < 0; }) &&
                         std::ranges::all_of(b.topic, [](auto t) { return t < 0; });
    return unknown ? std::string("the corpus states no topic") : fmt::format("needs {}", what);
  };
  auto const two = need(fmt::format("two topics with at least {} clusters each", rule.min_clusters));
  offer(topic_changed(design, sides, 0), two);
  offer(topic_changed(design, sides, 1), two);
  offer(behaviour_changed(design, sides),
        need(fmt::format("a topic with at least {} clusters in both sets", rule.min_clusters)));
  design_pairs(a, b, rule, design);
  return design;
}

}  // namespace moerae
