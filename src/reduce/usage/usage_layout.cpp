#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "moerae/base/check.hpp"
#include "moerae/base/draws.hpp"
#include "reduce/usage/attributions.hpp"
#include "reduce/usage/usage_rows.hpp"

namespace moerae {
namespace {

// What the prompts of one cluster and set add up to.
struct ClusterFacts {
  std::int64_t tokens = 0, length = 0, prompts = 0;
  std::int32_t topic = -1;
};

std::int64_t tokens_at(Corpus const& corpus, std::size_t p, UsageChoice const& choice) {
  auto const& positions = choice.positions;
  if (positions.last) return 1;
  if (!positions.drop.empty()) return !choice.attributions || choice.attributions->holds(p) ? 1 : 0;
  std::int64_t n = 0;
  for (std::int64_t i = 0; i < corpus.length(p); ++i)
    n += positions.classes[static_cast<std::size_t>(position_class(corpus, p, i))] ? 1 : 0;
  return n;
}

void add(ClusterFacts& facts, Corpus const& corpus, std::size_t p, UsageChoice const& choice) {
  auto const tokens = tokens_at(corpus, p, choice);
  bool const whole = choice.positions.last || !choice.positions.drop.empty();
  auto const topic = corpus.topic.code[p];
  facts.topic = facts.prompts == 0 || facts.topic == topic ? topic : -1;
  facts.tokens += tokens;
  facts.length += whole ? corpus.response_offset[p] - corpus.offset[p] : tokens;
  ++facts.prompts;
}

using Clusters = std::map<std::int64_t, ClusterFacts>;

// Keys do not depend on the set: pairs stay pairs.
void keep_some(Clusters& clusters, std::int64_t limit, std::uint64_t seed) {
  if (limit == 0 || clusters.size() <= static_cast<std::size_t>(limit)) return;
  std::vector<std::pair<std::uint64_t, std::int64_t>> keys;
  for (auto const& [id, facts] : clusters) keys.emplace_back(draw_key(seed, Draw::fewer_clusters, 0, id), id);
  std::ranges::sort(keys);
  for (std::size_t i = static_cast<std::size_t>(limit); i < keys.size(); ++i) clusters.erase(keys[i].second);
}

UsageTable table_of(std::string const& set, Clusters const& clusters, Positions const& positions, bool warn) {
  std::vector<std::int64_t> ids;
  for (auto const& [id, facts] : clusters)
    if (facts.tokens > 0) ids.push_back(id);
  UsageTable table(set, {}, std::move(ids));
  std::size_t row = 0;
  for (auto const& [id, facts] : clusters) {
    table.prompts += facts.prompts;
    if (facts.tokens == 0) continue;
    table.tokens[row] = facts.tokens;
    table.topic[row] = facts.topic;
    table.length[row] = (facts.length + facts.prompts / 2) / facts.prompts;
    ++row;
  }
  if (warn && row < clusters.size())
    spdlog::warn("set {}: {} of {} clusters have nothing to count at {} and are left out", set,
                 clusters.size() - row, clusters.size(), positions.name);
  return table;
}

}  // namespace

UsageLayout lay_out(Corpus const& corpus, UsageChoice const& choice, bool warn) {
  UsageLayout layout{
      {}, std::vector(corpus.size(), UsageLayout::none), std::vector(corpus.size(), UsageLayout::none)};
  for (auto const& set : choice.sets) {
    Clusters clusters;
    auto const group = PromptGroup::named(set);
    for (std::size_t p = 0; p < corpus.size(); ++p)
      if (group.holds(corpus, p)) add(clusters[corpus.cluster[p]], corpus, p, choice);
    keep_some(clusters, choice.clusters, choice.seed);
    layout.tables.push_back(table_of(set, clusters, choice.positions, warn));
    auto const& table = layout.tables.back();
    for (std::size_t p = 0; p < corpus.size(); ++p) {
      if (!group.holds(corpus, p)) continue;
      auto const at = std::ranges::lower_bound(table.clusters, corpus.cluster[p]);
      if (at == table.clusters.end() || *at != corpus.cluster[p]) continue;
      layout.table[p] = layout.tables.size() - 1;
      layout.row[p] = static_cast<std::size_t>(at - table.clusters.begin());
    }
  }
  return layout;
}

std::string nothing_to_count(UsageTable const& table, Positions const& positions) {
  if (!table.clusters.empty()) return {};
  if (table.prompts > 0 && !positions.drop.empty())
    return fmt::format(
        "set {}: the margin of none of its {} prompts was attributed; name it in attribute.sets, and "
        "give its prompts refusing and complying openings",
        table.name, table.prompts);
  if (table.prompts > 0)
    return fmt::format(
        "set {}: none of its {} prompts has a token at {} = {}; choose other positions or "
        "another set",
        table.name, table.prompts, positions.key, positions.name);
  if (auto const group = PromptGroup::named(table.name); !group.outcome.empty())
    return fmt::format(
        "group {}: no reply to the set in the discovery split was judged {}, so there is nothing "
        "to compare; leave it out of contrast.groups and select",
        table.name, group.outcome);
  return fmt::format(
      "set {}: has no prompt in the discovery split, which alone selects experts; give the set more "
      "clusters (half of them fall into discovery), or leave it out of ses.sets, "
      "contrast.groups and select",
      table.name);
}

}  // namespace moerae
