#include "reduce/usage/usage_table.hpp"

#include <algorithm>
#include <functional>

#include "moerae/base/check.hpp"

namespace moerae {

UsageTable::UsageTable(std::string name_, ExpertSpace space_, std::vector<std::int64_t> clusters_)
    : name(std::move(name_)), space(std::move(space_)), clusters(std::move(clusters_)) {
  expect(std::ranges::adjacent_find(clusters, std::greater_equal{}) == clusters.end(),
         "clusters of a usage table must ascend");
  tokens.assign(clusters.size(), 0);
  count.assign(clusters.size() * space.size(), 0);
  mass.assign(clusters.size() * space.size(), 0);
  topic.assign(clusters.size(), -1);
  length.assign(clusters.size(), 0);
}

UsageTotals totals(UsageTable const& table) {
  auto const size = table.space.size();
  UsageTotals total{0, std::vector<std::int64_t>(size), std::vector<std::int64_t>(size)};
  for (std::size_t c = 0; c < table.clusters.size(); ++c) {
    total.tokens += table.tokens[c];
    for (std::size_t e = 0; e < size; ++e) {
      total.count[e] += table.count[c * size + e];
      total.mass[e] += table.mass[c * size + e];
    }
  }
  return total;
}

std::vector<double> activation_probability(UsageTotals const& total) {
  expect(total.tokens > 0, "activation probability of no tokens");
  std::vector<double> p(total.count.size());
  std::ranges::transform(total.count, p.begin(), [&](std::int64_t a) {
    return static_cast<double>(a) / static_cast<double>(total.tokens);
  });
  return p;
}

UsageTable with_layers(UsageTable const& facts, ExpertSpace space) {
  UsageTable table(facts.name, std::move(space), facts.clusters);
  table.tokens = facts.tokens;
  table.topic = facts.topic;
  table.length = facts.length;
  table.prompts = facts.prompts;
  return table;
}

UsageTable rows_of(UsageTable const& table, std::span<std::size_t const> which) {
  auto const size = table.space.size();
  UsageTable out;
  out.name = table.name;
  out.space = table.space;
  out.clusters = rows_of(table.clusters, which);
  out.tokens = rows_of(table.tokens, which);
  out.topic = rows_of(table.topic, which);
  out.length = rows_of(table.length, which);
  out.count = rows_of(table.count, which, size);
  out.mass = rows_of(table.mass, which, size);
  return out;
}

}  // namespace moerae
