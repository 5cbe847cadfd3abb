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
  std::vector<std::int64_t> ids;
  for (auto const c : which) ids.push_back(table.clusters[c]);
  UsageTable out(table.name, table.space, std::move(ids));
  auto const size = static_cast<std::ptrdiff_t>(table.space.size());
  for (std::size_t i = 0; i < which.size(); ++i) {
    auto const from = static_cast<std::ptrdiff_t>(which[i]) * size;
    auto const to = static_cast<std::ptrdiff_t>(i) * size;
    out.tokens[i] = table.tokens[which[i]];
    out.topic[i] = table.topic[which[i]];
    out.length[i] = table.length[which[i]];
    std::copy_n(table.count.begin() + from, size, out.count.begin() + to);
    if (!table.mass.empty()) std::copy_n(table.mass.begin() + from, size, out.mass.begin() + to);
  }
  if (table.mass.empty()) out.mass.clear();
  return out;
}

}  // namespace moerae
