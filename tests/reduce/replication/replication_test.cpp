#include "reduce/replication/replication.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "moerae/base/check.hpp"
#include "reduce/replication/rank_correlation.hpp"
#include "reduce/topic_behaviour/topic_world.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using test::Scratch;
using test::TopicWorld;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(RankCorrelation, OfScipy) {
  std::vector<double> const x{3, 1, 4, 1, 5, 9, 2, 6, 5, 3}, y{2, 7, 1, 8, 2, 8, 1, 8, 2, 8};
  EXPECT_NEAR(*spearman(x, y), 0.13471506281091267, 1e-15);  // scipy.stats.spearmanr
  EXPECT_NEAR(*spearman(x, x), 1, 1e-15);
  std::vector<double> back(x);
  for (auto& value : back) value = -value * value * value;
  EXPECT_NEAR(*spearman(x, back), -1, 1e-15);
  EXPECT_FALSE(spearman(x, std::vector<double>(10, 2.5)).has_value());
}

TEST(Jaccard, OfSets) {
  std::vector<std::size_t> const x{1, 3, 5}, y{3, 4}, none;
  EXPECT_DOUBLE_EQ(*jaccard(x, y), .25);
  EXPECT_EQ(*jaccard(x, none), 0);
  EXPECT_FALSE(jaccard(none, none).has_value());
  EXPECT_THAT(top_of(std::vector<double>{1, 3, 2, 3, 2, 2}, 4), ElementsAre(1, 2, 3, 4));  // ties by index
}

ContrastScore difference(Comparison const& groups) {
  std::vector<double> out;
  for (std::size_t e = 0; e < groups.a.total.count.size(); ++e)
    out.push_back(static_cast<double>(groups.a.total.count[e]) / static_cast<double>(groups.a.total.tokens) -
                  static_cast<double>(groups.b.total.count[e]) / static_cast<double>(groups.b.total.tokens));
  return {out};
}
ContrastScore constant(Comparison const& groups) {
  return {std::vector<double>(groups.a.total.count.size(), 1.0)};
}
ContrastScore needs_thirty(Comparison const& groups) {
  validate<ConfigError>(groups.a.clusters.clusters.size() >= 30, "thirty clusters are needed");
  return difference(groups);
}
/// Of the clusters on same tokens; they must be those of the groups.
ContrastScore on_tokens(Comparison const& groups) {
  auto const& tokens = *groups.same_token;
  EXPECT_EQ(tokens.a.sum, groups.a.clusters.count);
  EXPECT_EQ(tokens.b.tokens, groups.b.clusters.tokens);
  return difference(groups);
}

/// Mean and lowest over the splits in which it is defined.
struct Spread {
  double mean = 0, lowest = 1;
};
std::optional<Spread> spread_of(std::vector<std::optional<double>> const& values) {
  std::vector<double> known;
  for (auto const& value : values)
    if (value) known.push_back(*value);
  if (known.empty()) return std::nullopt;
  auto const sum = std::accumulate(known.begin(), known.end(), 0.0);
  return Spread{sum / static_cast<double>(known.size()), std::ranges::min(known)};
}

struct Rows {
  std::vector<ContrastCriterion> criteria;
  [[nodiscard]] std::vector<ContrastCriterion const*> pointers() const {
    std::vector<ContrastCriterion const*> out;
    for (auto const& c : criteria) out.push_back(&c);
    return out;
  }
};
Rows made_rows(std::vector<std::pair<std::string_view, ContrastFunction>> const& functions) {
  Rows rows;
  for (auto const& [name, score] : functions) {
    ContrastCriterion row{};
    row.name = name;
    row.score = score;
    rows.criteria.push_back(row);
  }
  return rows;
}

TEST(Replication, SeparatesSignalFromNoise) {
  auto const rows = made_rows({{"difference", difference}, {"constant", constant}, {"thirty", needs_thirty}});
  auto const replicate = [&](TopicWorld const& world) {
    auto const a = world.table(0), b = world.table(1);
    Replication replication(a, b, rows.pointers(), 8, 5);
    replication.add({Group(a), Group(b)});
    return replication.finish(4);
  };
  TopicWorld world{.clusters = 50, .layers = 12, .experts = 16, .tokens = 80};
  auto const noise = replicate(world);
  EXPECT_LT(std::abs(spread_of(noise[0].spearman)->mean), .12);
  EXPECT_LT(spread_of(noise[0].jaccard)->mean, .1);
  world.behaviour_effect = .4;  // expert 2 of each layer in one direction
  auto const signal = replicate(world);
  EXPECT_EQ(signal[0].spearman.size(), 8U);
  EXPECT_GT(spread_of(signal[0].spearman)->mean, .12);
  EXPECT_GT(spread_of(signal[0].jaccard)->lowest, spread_of(noise[0].jaccard)->mean);
  EXPECT_FALSE(spread_of(signal[1].spearman).has_value());  // constant: no correlation, not a number
  EXPECT_FALSE(spread_of(signal[1].jaccard).has_value());
  EXPECT_THAT(signal[2].absent, HasSubstr("thirty clusters are needed"));

  Scratch const scratch;
  auto file = store::File::create(scratch / "scores.h5");
  write_replication(file, "a-vs-b", signal);
  file.close();
  auto const read = store::File::open(scratch / "scores.h5");
  EXPECT_EQ(read.read<double>("replication/difference/a-vs-b/jaccard")[3], signal[0].jaccard[3]);
  EXPECT_THAT(read.read<std::uint8_t>("replication/constant/a-vs-b/spearman_defined"), testing::Each(0));
  EXPECT_EQ(read.int_attribute("replication/difference/a-vs-b", "size"), 4);
  EXPECT_FALSE(read.has("replication/thirty"));
}

TEST(Replication, TilesDoNotMatter) {
  auto const rows = made_rows({{"difference", difference}});
  TopicWorld const world{.clusters = 20, .behaviour_effect = .2};
  auto const a = world.table(0), b = world.table(1);
  Replication whole(a, b, rows.pointers(), 3, 5), tiled(a, b, rows.pointers(), 3, 5);
  whole.add({Group(a), Group(b)});
  for (std::size_t l = 0; l < 3; ++l) {
    auto const of_a = test::tile_of(a, l, 1), of_b = test::tile_of(b, l, 1);
    tiled.add({Group(of_a), Group(of_b)});
  }
  EXPECT_EQ(whole.finish(5)[0].spearman, tiled.finish(5)[0].spearman);
  EXPECT_EQ(whole.finish(5)[0].jaccard, tiled.finish(5)[0].jaccard);
}

TEST(Replication, HalvesUsageOnSameTokensAlike) {
  auto const rows = made_rows({{"tokens", on_tokens}});
  auto const a = TopicWorld{.clusters = 11}.table(0), b = TopicWorld{.clusters = 11}.table(1);
  SameToken const same{{a.tokens, a.count}, {b.tokens, b.count}};
  Replication replication(a, b, rows.pointers(), 1, 5);
  replication.add({Group(a), Group(b), &same});
  EXPECT_TRUE(replication.finish(3)[0].absent.empty());
}

TEST(Replication, FewClustersAreSaid) {
  auto const rows = made_rows({{"difference", difference}});
  auto const a = TopicWorld{.clusters = 3}.table(0), b = TopicWorld{.clusters = 9}.table(1);
  Replication replication(a, b, rows.pointers(), 2, 5);
  replication.add({Group(a), Group(b)});
  EXPECT_THAT(replication.finish(3)[0].absent, HasSubstr("harm has 3 clusters"));
}

}  // namespace
}  // namespace moerae
