#include "reduce/topic_behaviour/topic_behaviour.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "moerae/reduce/contrast/criteria.hpp"
#include "reduce/made_run.hpp"
#include "reduce/replication/halves.hpp"
#include "reduce/topic_behaviour/profile.hpp"
#include "reduce/topic_behaviour/topic_world.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using test::made_table;
using test::TopicWorld;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TopicTable table_of(UsageTable const& a, UsageTable const& b, TopicRule const& rule = {}) {
  TopicBehaviour out(a, b, rule);
  out.add(a, b);
  return out.finish();
}
TopicTable table_of(TopicWorld const& world, TopicRule const& rule = {}) {
  return table_of(world.table(0), world.table(1), rule);
}

TopicRow const& row_of(TopicTable const& table, std::string const& name) {
  for (auto const& row : table.rows)
    if (row.facts.name == name) return row;
  throw std::runtime_error("no row " + name);
}

/// JS of two distributions, mean over layers, by its definition.
double js_of(std::vector<double> const& p, std::vector<double> const& q, int layers) {
  double sum = 0;
  for (std::size_t e = 0; e < p.size(); ++e) {
    double const m = (p[e] + q[e]) / 2;
    sum += (p[e] * std::log(p[e] / m) + q[e] * std::log(q[e] / m)) / 2;
  }
  return sum / layers;
}

TEST(Profile, JsIsThatOfTheCriterionAndOverlapBreaksTiesById) {
  ExpertSpace const space{{1, 4}, 4, 2};
  auto const a = made_table("a", space, {{5, 5, 0, 0, 4, 2, 2, 2}}, {5});
  auto const b = made_table("b", space, {{0, 6, 1, 7, 0, 5, 5, 4}}, {7});
  auto const x = profile_of(space, a.count_of(0), 5), y = profile_of(space, b.count_of(0), 7);
  auto const expected = contrast::js_of_layers(space, contrast::js({Group(a), Group(b)}));
  for (std::size_t l = 0; l < 2; ++l) {
    EXPECT_NEAR(js_of_layer(space, x, y, l), expected[l], 1e-14);
    EXPECT_EQ(js_of_layer(space, x, x, l), 0);
    EXPECT_EQ(js_of_layer(space, x, y, l), js_of_layer(space, y, x, l));
  }
  EXPECT_THAT(x.top, ElementsAre(0, 1, 0, 1));  // second layer: 1, 2 and 3 tie
  EXPECT_THAT(y.top, ElementsAre(1, 3, 1, 2));
  EXPECT_EQ(overlap_of_layer(space, x, y, 0), 1);
  EXPECT_EQ(overlap_of_layer(space, x, x, 1), 2);
}

TEST(Halves, KeepPairsTogetherAndAreEven) {
  auto a = TopicWorld{.clusters = 41}.table(0), b = TopicWorld{.clusters = 41}.table(1);
  std::vector<std::size_t> const some{0, 3, 4, 5, 9, 10, 11, 12, 20, 21, 30, 31, 32, 40};
  b = rows_of(b, some);
  for (std::uint32_t split = 0; split < 5; ++split) {
    auto const halves = split_halves(a, b, 7, split);
    EXPECT_EQ(halves.a[0].size() + halves.a[1].size(), 41U);
    EXPECT_LE(std::max(halves.a[0].size(), halves.a[1].size()), 21U);
    EXPECT_EQ(halves.b[0].size(), 7U);
    for (std::size_t half = 0; half < 2; ++half) {
      EXPECT_TRUE(std::ranges::is_sorted(halves.a[half]));
      std::set<std::int64_t> of_a;
      std::array<int, 4> topics{};
      for (auto const row : halves.a[half]) {
        of_a.insert(a.clusters[row]);
        ++topics[static_cast<std::size_t>(a.topic[row])];
      }
      EXPECT_THAT(topics, testing::Each(testing::AllOf(testing::Ge(4), testing::Le(6))));
      for (auto const row : halves.b[half]) EXPECT_TRUE(of_a.contains(b.clusters[row]));
    }
    EXPECT_NE(split_halves(a, b, 7, split + 1).a, halves.a);
    EXPECT_NE(split_halves(a, b, 8, split).a, halves.a);
    EXPECT_EQ(split_halves(a, b, 7, split).a, halves.a);
  }
}

TEST(Halves, AreEvenInBothGroupsWhateverIsPaired) {
  auto const whole = TopicWorld{.clusters = 8, .topics = 1}.table(0);
  std::vector<std::size_t> const of_a{0, 1, 2, 3}, of_b{0, 1, 2, 5, 6, 7};  // 3 pairs, 1 and 3 others
  auto const a = rows_of(whole, of_a), b = rows_of(whole, of_b);
  for (std::uint32_t split = 0; split < 5; ++split) {
    auto const halves = split_halves(a, b, 1, split);
    EXPECT_EQ(halves.a[0].size(), 2U);
    EXPECT_EQ(halves.b[0].size(), 3U);
  }
}

TEST(TopicBehaviour, FindsWhatWasPutIn) {
  TopicWorld const world{.topic_effect = .8, .behaviour_effect = .25};
  auto const table = table_of(world);
  EXPECT_EQ(table.rows.size(), 7U);
  EXPECT_TRUE(table.absent.empty());
  double topic = 0, behaviour = 0;  // of the shares themselves
  for (int t = 0; t < 4; ++t) {
    behaviour += js_of(world.shares(0, t, -1), world.shares(1, t, -1), 3) / 4;
    for (int u = t + 1; u < 4; ++u) topic += js_of(world.shares(0, t, -1), world.shares(0, u, -1), 3) / 6;
  }
  auto const& changed = row_of(table, "topic_changed_a");
  EXPECT_EQ(changed.facts.comparisons, 6U);
  EXPECT_EQ(changed.facts.clusters[0], 20);
  EXPECT_EQ(changed.facts.tokens[1], 20 * 60);
  EXPECT_NEAR(changed.js.mean_equal - changed.js.mean_floor.value, topic, .1 * topic);
  auto const& same = row_of(table, "behaviour_changed");
  EXPECT_EQ(same.facts.comparisons, 4U);
  EXPECT_NEAR(same.js.mean_equal - same.js.mean_floor.value, behaviour, .25 * behaviour);
  EXPECT_GT(same.js.mean_equal, same.js.mean.value);  // plug-in: larger on fewer tokens
  EXPECT_LT(same.js.mean.high, changed.js.mean.low);
  // single clusters: the floor is high, and topic rises above it
  auto const& pairs = row_of(table, "matched_pairs");
  auto const& cross = row_of(table, "cross_topic_pairs");
  EXPECT_EQ(pairs.facts.comparisons, 80U);
  EXPECT_EQ(cross.facts.comparisons, 40U);
  EXPECT_GT(cross.js.mean.low, row_of(table, "same_topic_pairs").js.mean.high);
  EXPECT_EQ(cross.js.mean_floor.value, row_of(table, "same_topic_pairs").js.mean.value);
  EXPECT_GT(pairs.js.mean.value, same.js.mean.high);
  // the k = 1 most used expert
  EXPECT_LT(changed.overlap.mean.value, .7);
  for (auto const& row : table.rows) {
    EXPECT_GE(row.overlap.mean.low, 0);
    EXPECT_LE(row.overlap.mean.high, 1);
  }
}

TEST(TopicBehaviour, NothingRisesAboveItsFloorWhereNothingDiffers) {
  // what a goal asks for is the same in both groups: pairs are nearer than strangers, and that is no floor
  for (auto const& world : {TopicWorld{.cluster_effect = .5}, TopicWorld{.goal_effect = .5}}) {
    auto const table = table_of(world);
    for (auto const& row : table.rows) {
      if (row.facts.name == "same_topic_pairs") continue;
      EXPECT_GT(row.js.mean.value, 0) << row.facts.name;
      EXPECT_LE(row.js.mean_floor.low, row.js.mean_floor.value);
      if (row.facts.name == "matched_pairs" && world.goal_effect > 0)
        EXPECT_LT(row.js.mean.high, row.js.mean_floor.low);
      else
        EXPECT_NEAR(row.js.mean_equal / row.js.mean_floor.value, 1, .12) << row.facts.name;
    }
  }
}

TEST(TopicBehaviour, PooledIsTheCriterionWhateverTopicsAreLookedAt) {
  auto a = TopicWorld{.topic_effect = .5, .behaviour_effect = .3}.table(0);
  auto const b = TopicWorld{.topic_effect = .5, .behaviour_effect = .3}.table(1);
  a.topic[5] = a.topic[6] = -1;
  auto const table = table_of(a, b, {.max_topics = 2});
  EXPECT_EQ(row_of(table, "topic_changed_b").facts.comparisons, 1U);
  auto const layers = contrast::js_of_layers(a.space, contrast::js({Group(a), Group(b)}));
  auto const& pooled = row_of(table, "pooled");
  for (std::size_t l = 0; l < 3; ++l) EXPECT_NEAR(pooled.js.layer[l].value, layers[l], 1e-14);
  EXPECT_EQ(pooled.facts.tokens[0], 80 * 60);
}

TEST(TopicBehaviour, IntervalsCoverWhatIsExpectedOfAnotherSample) {
  // one world, 200 samples of clusters and tokens from it: the interval is for the expectation of the plug-in
  constexpr int runs = 200;
  TopicWorld const world{.clusters = 40 * runs,
                         .layers = 2,
                         .topic_effect = .5,
                         .behaviour_effect = .3,
                         .cluster_effect = .4,
                         .tokens = 40};
  auto const a = world.table(0), b = world.table(1);
  std::map<std::string, std::vector<Estimate>> found;
  for (std::size_t r = 0; r < runs; ++r) {
    std::vector<std::size_t> rows(40);
    std::iota(rows.begin(), rows.end(), 40 * r);
    for (auto const& row : table_of(rows_of(a, rows), rows_of(b, rows)).rows)
      found[row.facts.name].push_back(row.js.mean);
  }
  EXPECT_EQ(found.size(), 7U);
  for (auto const& [name, estimates] : found) {
    double expected = 0;
    for (auto const& e : estimates) expected += e.value / runs;
    auto const covered = std::ranges::count_if(
        estimates, [&](auto const& e) { return e.low <= expected && expected <= e.high; });
    EXPECT_GE(covered, .90 * runs) << name;  // Monte-Carlo: .95 - 3 standard errors
    EXPECT_LE(covered, .995 * runs) << name;
  }
}

TEST(TopicBehaviour, TilesDoNotMatter) {
  TopicWorld const world{.topic_effect = .5, .behaviour_effect = .2};
  auto const a = world.table(0), b = world.table(1);
  TopicRule const rule{.seed = 3};
  auto const whole = table_of(a, b, rule);
  TopicBehaviour by_tile(a, b, rule);
  by_tile.add(test::tile_of(a, 0, 1), test::tile_of(b, 0, 1));
  by_tile.add(test::tile_of(a, 1, 2), test::tile_of(b, 1, 2));
  EXPECT_THROW(by_tile.add(a, b), std::logic_error);
  auto const tiled = by_tile.finish();
  ASSERT_EQ(tiled.rows.size(), whole.rows.size());
  for (std::size_t i = 0; i < whole.rows.size(); ++i) {
    EXPECT_EQ(tiled.rows[i].js.mean.high, whole.rows[i].js.mean.high);
    EXPECT_EQ(tiled.rows[i].js.equal, whole.rows[i].js.equal);
    EXPECT_EQ(tiled.rows[i].js.floor, whole.rows[i].js.floor);
    EXPECT_EQ(tiled.rows[i].overlap.mean_equal, whole.rows[i].overlap.mean_equal);
  }
}

TEST(TopicBehaviour, RowsThatCannotBeFormedSayWhy) {
  auto a = TopicWorld{}.table(0), b = TopicWorld{}.table(1);
  auto const names = [](TopicTable const& table) {
    std::vector<std::string> out;
    for (auto const& row : table.rows) out.push_back(row.facts.name);
    return out;
  };
  std::ranges::fill(a.topic, -1);
  auto const unknown = table_of(a, b);
  EXPECT_THAT(names(unknown), ElementsAre("pooled", "topic_changed_b", "matched_pairs"));
  EXPECT_THAT(unknown.absent, Contains(HasSubstr("topic_changed_a: needs two topics with at least 6")));
  EXPECT_THAT(unknown.absent, Contains(HasSubstr("behaviour_changed")));
  EXPECT_THAT(unknown.absent, Contains(HasSubstr("cross_topic_pairs")));
  EXPECT_TRUE(row_of(unknown, "matched_pairs").js.floor.empty());
  for (auto& id : b.clusters) ++id;  // no cluster in both
  EXPECT_THAT(table_of(a, b).absent, Contains(HasSubstr("matched_pairs: 0 of them")));
  std::vector<std::size_t> const one{0};
  auto const few = table_of(rows_of(a, one), rows_of(b, one));
  EXPECT_TRUE(few.rows.empty());
  EXPECT_THAT(few.absent, Contains(HasSubstr("pooled: harm has 1 clusters")));
  std::ranges::fill(b.topic, -1);
  EXPECT_THAT(table_of(a, b).absent, Contains(HasSubstr("the corpus states no topic")));
}

TEST(TopicBehaviour, IsWrittenWithItsSummary) {
  test::Scratch const scratch;
  auto world = TopicWorld{.topic_effect = .5};
  auto const table = table_of(world);
  auto file = store::File::create(scratch / "scores.h5");
  file.write("layer", world.space().layers, {3});
  write_topic_table(file, "topic_behaviour/harm-vs-help", table);
  file.close();
  auto const read = store::File::open(scratch / "scores.h5");
  for (auto const& row : table.rows) {
    auto const folder = "topic_behaviour/harm-vs-help/" + row.facts.name;
    auto const high = read.read<double>(folder + "/js_high");
    for (std::size_t l = 0; l < 3; ++l) EXPECT_EQ(high[l], row.js.layer[l].high);
    EXPECT_EQ(read.read<double>(folder + "/overlap_equal"), row.overlap.equal);
    EXPECT_EQ(read.double_attribute(folder + "/js_nats", "low"), row.js.mean.low);
    EXPECT_EQ(read.double_attribute(folder + "/js_nats", "overlap"), row.overlap.mean.value);
    EXPECT_EQ(read.int_attribute(folder + "/js_nats", "comparisons"),
              static_cast<std::int64_t>(row.facts.comparisons));
    EXPECT_EQ(read.has(folder + "/floor"), row.facts.name != "same_topic_pairs");
  }
}

TEST(ClusterPairs, AreDisjointAndOfTheRightTopics) {
  std::vector<std::array<std::int32_t, 2>> topics;
  for (int i = 0; i < 60; ++i) topics.push_back({i * i % 7, i % 10 == 3 ? -1 : i * i % 7});
  for (bool const same : {true, false}) {
    std::set<std::size_t> seen;
    auto const pairs = pair_clusters(topics, same);
    EXPECT_GT(pairs.size(), 20U);
    for (auto const& [i, j] : pairs) {
      EXPECT_TRUE(seen.insert(i).second && seen.insert(j).second);
      EXPECT_EQ(topics[i][0] == topics[j][0], same);
      EXPECT_GE(topics[i][1], 0);
    }
  }
}

}  // namespace
}  // namespace moerae
