#include "reduce/topic_behaviour/topic_counts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "reduce/replication/half_rows.hpp"
#include "reduce/topic_behaviour/topic_world.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using test::Scratch;
using test::tile_of;
using test::TopicWorld;
using testing::ElementsAre;

constexpr std::size_t experts = 24;  // 3 layers of 8

/// The counts as they are written.
store::File written(Scratch const& scratch, TopicCounts const& counts, ExpertSpace const& space) {
  auto file = store::File::create(scratch / "scores.h5");
  file.write("layer", space.layers, {space.layers.size()});
  std::vector<std::int32_t> expert(static_cast<std::size_t>(space.experts));
  std::iota(expert.begin(), expert.end(), 0);
  file.write("expert", expert, {expert.size()});
  counts.write(file, "t");
  file.close();
  return store::File::open(scratch / "scores.h5");
}

/// Sum over the rows for which `in` says so: tokens, then counts.
template <class In>
std::vector<std::int64_t> sum_of(UsageTable const& table, In&& in) {
  std::vector<std::int64_t> sum(1 + experts, 0);
  for (std::size_t row = 0; row < table.clusters.size(); ++row)
    if (in(row)) {
      sum[0] += table.tokens[row];
      for (std::size_t e = 0; e < experts; ++e) sum[1 + e] += table.count_of(row)[e];
    }
  return sum;
}

TEST(TopicCounts, AreSumsOverTopicsAndHalves) {
  Scratch const scratch;
  TopicWorld const world{.clusters = 61, .topic_effect = .5};
  auto a = world.table(0);
  auto const whole = world.table(1);
  std::vector<std::size_t> some;  // the second group lacks clusters, so that rows differ
  for (std::size_t c = 0; c < 61; ++c)
    if (c % 5 != 0) some.push_back(c);
  auto const b = rows_of(whole, some);
  a.topic[3] = -1;
  TopicRule const rule{.max_topics = 3, .splits = 4, .seed = 9};
  TopicCounts counts(a, b, a.space, rule);
  counts.add(a, b);
  auto const file = written(scratch, counts, a.space);
  EXPECT_EQ(file.int_attribute("t", "top_k"), 1);
  EXPECT_EQ(file.int_attribute("t", "min_clusters"), 6);
  EXPECT_EQ(file.string_attribute("t/b", "name"), "help");
  EXPECT_EQ(file.int_attribute("t/a", "with_topic"), 60);
  EXPECT_THAT(file.read<std::int32_t>("t/a/topic"), ElementsAre(0, 1, 2));  // 16, 15, 15; 3 has lost one
  for (std::string const group : {"t/a", "t/b"}) {
    auto const& table = group == "t/a" ? a : b;
    auto const topics = file.read<std::int32_t>(group + "/topic");
    auto const clusters = file.read<std::int64_t>(group + "/clusters");
    auto const tokens = file.read<std::int64_t>(group + "/tokens");
    auto const count = file.read<std::uint32_t>(group + "/count");
    ASSERT_THAT(file.shape(group + "/count"), ElementsAre(4, 5, 3, 8));
    for (std::size_t cell = 0; cell < 4; ++cell)
      for (std::uint32_t part = 0; part < 5; ++part) {
        std::vector<std::size_t> first;
        if (part > 0) {
          first = test::half_rows(split_halves(a, b, 9, part - 1), table)[0];
        }
        auto const of_cell = [&](std::size_t row) {
          return cell == 0 || table.topic[row] == topics[cell - 1];
        };
        auto const expected = sum_of(table, [&](std::size_t row) {
          return of_cell(row) && (part == 0 || std::ranges::binary_search(first, row));
        });
        auto const at = cell * 5 + part;
        EXPECT_EQ(tokens[at], expected[0]);
        for (std::size_t e = 0; e < experts; ++e) EXPECT_EQ(count[at * experts + e], expected[1 + e]);
        if (part > 0) continue;
        std::int64_t rows = 0;
        for (std::size_t row = 0; row < table.clusters.size(); ++row) rows += of_cell(row) ? 1 : 0;
        EXPECT_EQ(clusters[cell], rows);
      }
  }
}

TEST(TopicCounts, SingleClustersOfBothGroupsInRandomOrder) {
  Scratch const scratch;
  TopicWorld const world{.clusters = 40};
  auto const a = world.table(0);
  auto b = world.table(1);
  for (std::size_t c = 30; c < 40; ++c) b.clusters[c] += 1000;  // in one group only
  b.topic[2] = 7;
  TopicCounts counts(a, b, a.space, {.max_pairs = 25, .seed = 4});
  counts.add(a, b);
  auto const file = written(scratch, counts, a.space);
  auto const cluster = file.read<std::int64_t>("t/pairs/cluster");
  ASSERT_EQ(cluster.size(), 25U);
  EXPECT_FALSE(std::ranges::is_sorted(cluster));
  auto const topic = file.read<std::int32_t>("t/pairs/topic");
  auto const tokens = file.read<std::int64_t>("t/pairs/tokens");
  auto const count = file.read<std::uint32_t>("t/pairs/count");
  for (std::size_t side = 0; side < 2; ++side)
    for (std::size_t m = 0; m < 25; ++m) {
      auto const& table = side == 0 ? a : b;
      auto const row =
          static_cast<std::size_t>(std::ranges::find(table.clusters, cluster[m]) - table.clusters.begin());
      ASSERT_LT(row, 30U);
      EXPECT_EQ(topic[side * 25 + m], table.topic[row]);
      EXPECT_EQ(tokens[side * 25 + m], table.tokens[row]);
      for (std::size_t e = 0; e < experts; ++e)
        EXPECT_EQ(count[(side * 25 + m) * experts + e], table.count_of(row)[e]);
    }
}

TEST(TopicCounts, TilesDoNotMatter) {
  TopicWorld const world{.topic_effect = .5, .behaviour_effect = .2};
  auto const a = world.table(0), b = world.table(1);
  TopicCounts whole(a, b, a.space, {.seed = 3}), tiled(a, b, a.space, {.seed = 3});
  whole.add(a, b);
  tiled.add(tile_of(a, 1, 2), tile_of(b, 1, 2));
  tiled.add(tile_of(a, 0, 1), tile_of(b, 0, 1));
  Scratch const one, two;
  auto const first = written(one, whole, a.space), second = written(two, tiled, a.space);
  for (auto const* name : {"t/a/count", "t/b/count", "t/pairs/count"})
    EXPECT_EQ(first.read<std::uint32_t>(name), second.read<std::uint32_t>(name));
  auto other = a.space;
  other.layers = {2};
  EXPECT_THROW(tiled.add(with_layers(a, other), with_layers(b, other)), std::logic_error);
}

TEST(TopicCounts, WithoutTopicsOrSharedClusters) {
  Scratch const scratch;
  auto a = TopicWorld{}.table(0), b = TopicWorld{}.table(1);
  std::ranges::fill(a.topic, -1);
  for (auto& id : b.clusters) ++id;
  TopicCounts counts(a, b, a.space, {});
  counts.add(a, b);
  auto const file = written(scratch, counts, a.space);
  EXPECT_EQ(file.int_attribute("t/a", "with_topic"), 0);
  EXPECT_TRUE(file.read<std::int32_t>("t/a/topic").empty());
  EXPECT_THAT(file.shape("t/a/count"), ElementsAre(1, 21, 3, 8));
  EXPECT_THAT(file.shape("t/pairs/count"), ElementsAre(2, 0, 3, 8));
}

}  // namespace
}  // namespace moerae
