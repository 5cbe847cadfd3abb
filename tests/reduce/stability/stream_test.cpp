// Runs at 1, 2, 3 and 4 ranks: everything is compared with the same on one rank and the whole model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "reduce/contrast/functions.hpp"
#include "reduce/stability/exchangeable_tables.hpp"
#include "reduce/stability/groups.hpp"
#include "reduce/stability/stability_stream.hpp"
#include "reduce/stability/whole_model.hpp"

namespace moerae {
namespace {

using test::ExchangeableTables;
using test::layers_of;
using test::message_of_code;
using testing::AllOf;
using testing::Gt;
using testing::HasSubstr;
using testing::Lt;

mpi::Comm const serial;
ExpertSpace const space{{1, 3, 4, 8}, 12, 2};
std::vector<std::vector<std::size_t>> const tiles{{0}, {1, 2}, {3}};

UsageTable usage(std::int64_t first = 0, std::uint32_t salt = 0) {
  return ExchangeableTables(5).table("s", space, first, 23, salt);
}

void expect_same(Stability const& a, Stability const& b) {
  EXPECT_EQ(a.top, b.top);
  EXPECT_EQ(a.sizes, b.sizes);
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.path, b.path);
}

StabilityRule rule_of(Resampling resampling, Scope scope) {
  StabilityRule rule;
  rule.resampling = resampling;
  rule.scope = scope;
  return rule;
}

constexpr Resampling all_kinds[] = {Resampling::complementary, Resampling::bootstrap};

TEST(StabilityStream, SameForAnyTilesAndRanks) {
  auto const world = mpi::Comm::world();
  auto const table = usage();
  for (auto const kind : all_kinds)
    for (auto const scope : {Scope::layer, Scope::model}) {
      auto const rule = rule_of(kind, scope);
      auto const alone = test::select_whole({}, table, rule, 3);
      EXPECT_THAT(alone.count, testing::Contains(AllOf(Gt(0), Lt(100))));
      expect_same(test::select_whole(world, table, rule, 3), alone);
      StabilityStream stream(world, space, rule, 3, "test");
      for (auto const& tile : tiles) stream.add(layers_of(table, tile));
      expect_same(stream.finish(), alone);
    }
}

Stability on_contrast(mpi::Comm const& comm, StabilityRule const& rule, UsageTable const& a,
                      UsageTable const& b, bool tiled, ContrastFunction score = contrast::risk_difference) {
  StabilityStream stream(comm, space, rule, 3, "test");
  if (!tiled) stream.add({Group(a), Group(b)}, score);
  for (std::size_t i = 0; tiled && i < tiles.size(); ++i) {
    auto const tile_a = layers_of(a, tiles[i]), tile_b = layers_of(b, tiles[i]);
    stream.add({Group(tile_a), Group(tile_b)}, score);
  }
  return stream.finish();
}

TEST(StabilityStream, ContrastIsTheSameForAnyTilesAndRanks) {
  auto const world = mpi::Comm::world();
  auto const a = usage(0), b = usage(10, 1);  // 13 clusters are pairs
  for (auto const kind : all_kinds)
    for (auto const scope : {Scope::layer, Scope::model}) {
      auto rule = rule_of(kind, scope);
      rule.score = "risk_difference";
      auto const alone = on_contrast({}, rule, a, b, false);
      EXPECT_THAT(alone.count, testing::Contains(AllOf(Gt(0), Lt(100))));
      expect_same(on_contrast(world, rule, a, b, true), alone);
    }
}

std::vector<std::vector<std::int64_t>> ids_seen;  // of a and b by replicate

ContrastScore remember(Comparison const& groups) {
  ids_seen.push_back(groups.a.clusters.clusters);
  ids_seen.push_back(groups.b.clusters.clusters);
  EXPECT_EQ(groups.a.total.tokens, static_cast<std::int64_t>(groups.a.clusters.clusters.size()) * 18000);
  return contrast::risk_difference(groups);
}

// more experts than are drawn at a time
ExpertSpace const wide{{0, 1, 2}, 90, 2};
UsageTable wide_usage(std::int64_t first, std::uint32_t salt) {
  return ExchangeableTables(6).table("w", wide, first, 14, salt);
}

TEST(StabilityStream, ContrastOfManyLayersIsThatOfEach) {
  auto const a = wide_usage(0, 0), b = wide_usage(5, 1);
  auto rule = rule_of(Resampling::complementary, Scope::model);
  rule.score = "js";
  StabilityStream whole(serial, wide, rule, 3, "test"), tiled(serial, wide, rule, 3, "test");
  whole.add({Group(a), Group(b)}, contrast::js);
  for (std::size_t l = 0; l < 3; ++l) {
    auto const tile_a = layers_of(a, {l}), tile_b = layers_of(b, {l});
    tiled.add({Group(tile_a), Group(tile_b)}, contrast::js);
  }
  expect_same(whole.finish(), tiled.finish());
}

TEST(StabilityStream, UnusedExpertsCompeteForUsageOnly) {
  // two of four experts are used: a top 3 of usage takes the first unused one, as a rank of 0 is a rank
  std::vector<std::vector<std::int64_t>> const counts(6, {0, 5, 0, 3});
  auto const table = test::made_table("s", {{0}, 4, 1}, counts, std::vector<std::int64_t>(6, 8));
  StabilityRule rule;
  rule.alpha = .75;
  EXPECT_THAT(test::select_whole(mpi::Comm::world(), table, rule, 1).count,
              testing::ElementsAre(100, 100, 0, 100));
}

TEST(StabilityStream, PairsAreDrawnTogether) {
  auto const a = usage(0), b = usage(10, 1);
  auto rule = rule_of(Resampling::complementary, Scope::layer);
  rule.score = "risk_difference";
  ids_seen.clear();
  (void)on_contrast({}, rule, a, b, false, remember);
  ASSERT_EQ(ids_seen.size(), 200U);
  for (std::size_t r = 0; r < 100; ++r) {
    auto const& of_a = ids_seen[2 * r];
    auto const& of_b = ids_seen[2 * r + 1];
    std::size_t pairs = 0, only = 0;
    for (auto const id : of_a) {
      bool const twin = std::ranges::find(of_b, id) != of_b.end();
      EXPECT_EQ(twin, id >= 10) << "cluster " << id;
      (twin ? pairs : only) += 1;
    }
    EXPECT_EQ(only + of_b.size(), 16U);  // half of the 33 clusters of both
  }
  // a cluster that is drawn twice stands there twice, and so does its twin
  rule.resampling = Resampling::bootstrap;
  ids_seen.clear();
  (void)on_contrast({}, rule, a, b, false, remember);
  std::size_t drawn = 0;
  for (std::size_t r = 0; r < 100; ++r) {
    std::vector<std::int64_t> both, only_b;
    std::ranges::set_intersection(ids_seen[2 * r], ids_seen[2 * r + 1], std::back_inserter(both));
    EXPECT_FALSE(both.empty());
    drawn += ids_seen[2 * r].size() + ids_seen[2 * r + 1].size() - both.size();
  }
  EXPECT_EQ(drawn, 3300U);
}

// count of `a` at the same tokens, less 5 times that of the group itself: 0 where rows and layers belong
// together
ContrastScore mismatch(Comparison const& groups) {
  auto const& same = groups.same_token->a;
  auto const& table = groups.a.clusters;
  EXPECT_EQ(same.tokens, table.tokens);
  EXPECT_EQ(same.sum.size(), table.count.size());
  std::vector<double> out(table.space.size(), 0.0);
  for (std::size_t i = 0; i < table.count.size(); ++i)
    out[i % out.size()] += static_cast<double>(std::abs(same.sum[i] - 5 * table.count[i]));
  return {out};
}

TEST(StabilityStream, SameTokenTablesAreDrawnAlike) {
  auto const a = wide_usage(0, 0), b = wide_usage(5, 1);
  SameToken same{{a.tokens, a.count}, {b.tokens, b.count}};
  for (auto& sum : same.a.sum) sum *= 5;
  for (auto const kind : {Resampling::complementary, Resampling::bootstrap}) {
    auto rule = rule_of(kind, Scope::layer);
    rule.score = "cmh_token";
    rule.alpha = .1;
    StabilityStream stream(mpi::Comm::world(), wide, rule, 3, "test");
    stream.add({Group(a), Group(b), &same}, mismatch);
    EXPECT_THAT(stream.finish().count, testing::Each(0));  // a score of 0 is in no top N
  }
}

TEST(StabilityStream, SidesOfAContrast) {
  // expert 0 of every layer more in a, expert 1 more in b, the others alike
  std::vector<std::vector<std::int64_t>> of_a, of_b;
  for (int c = 0; c < 20; ++c) {
    std::vector<std::int64_t> row(space.size(), 100);
    for (std::size_t l = 0; l < 4; ++l) row[l * 12] = 300 + c, row[l * 12 + 1] = 20;
    of_a.push_back(row);
    for (std::size_t l = 0; l < 4; ++l) std::swap(row[l * 12], row[l * 12 + 1]);
    of_b.push_back(row);
  }
  std::vector<std::int64_t> const tokens(20, 1000);
  auto const a = test::made_table("a", space, of_a, tokens), b = test::made_table("b", space, of_b, tokens);
  auto const counts = [&](store::Side side) {
    auto rule = rule_of(Resampling::complementary, Scope::layer);
    rule.score = "risk_difference";
    rule.alpha = .25;  // 3 of 12: only two differ
    rule.side = side;
    auto const found = on_contrast(mpi::Comm::world(), rule, a, b, true);
    return std::vector(found.count.begin(), found.count.begin() + 4);
  };
  EXPECT_THAT(counts(store::Side::both), testing::ElementsAre(100, 100, 0, 0));
  EXPECT_THAT(counts(store::Side::positive), testing::ElementsAre(100, 0, 0, 0));
  EXPECT_THAT(counts(store::Side::negative), testing::ElementsAre(0, 100, 0, 0));
}

TEST(StabilityStream, AReplicateWithoutAGroupIsRefused) {
  auto const a = usage(0);
  auto const b = ExchangeableTables(5).table("lonely", space, 100, 1, 1);
  auto rule = rule_of(Resampling::complementary, Scope::layer);
  rule.score = "js";
  auto const world = mpi::Comm::world();
  EXPECT_THAT(message_of_code(ExitCode::bad_configuration,
                              [&] { (void)on_contrast(world, rule, a, b, false, contrast::js); }),
              AllOf(HasSubstr("lonely"), HasSubstr("record more prompts")));
}

TEST(StabilityStream, WhatACriterionRefusesNamesTheReplicate) {
  auto const a = usage(0), b = usage(10, 1);
  auto rule = rule_of(Resampling::complementary, Scope::layer);
  rule.score = "js";
  auto const world = mpi::Comm::world();
  auto const refuse = [](Comparison const&) -> ContrastScore { throw ConfigError("needs 10 pairs"); };
  EXPECT_THAT(message_of_code(ExitCode::bad_configuration,
                              [&] { (void)on_contrast(world, rule, a, b, false, refuse); }),
              AllOf(HasSubstr("replicate 0 of"), HasSubstr("needs 10 pairs")));
  auto const nan = [](Comparison const& groups) -> ContrastScore {
    return {std::vector<double>(groups.a.clusters.space.size(), std::nan(""))};
  };
  EXPECT_ANY_THROW((void)on_contrast(world, rule, a, b, false, nan));
}

TEST(StabilityStream, MoreThanFitsIsRefused) {
  auto rule = rule_of(Resampling::bootstrap, Scope::model);
  rule.samples = 1'000'000;
  auto const world = mpi::Comm::world();
  EXPECT_THAT(message_of_code(ExitCode::bad_configuration,
                              [&] { (void)StabilityStream(world, space, rule, 3, "test", 1 << 20); }),
              AllOf(HasSubstr("ses.samples = 1000000"), HasSubstr("reduce.memory")));
}

TEST(StabilityStream, MisuseIsADefect) {
  auto const table = usage();
  StabilityStream stream(serial, space, {}, 3, "test");
  EXPECT_ANY_THROW(stream.add(layers_of(table, {1})));  // not the first layer
  stream.add(layers_of(table, {0}));
  EXPECT_ANY_THROW(stream.add(layers_of(table, {0})));  // a layer twice
  EXPECT_ANY_THROW((void)stream.finish());              // layers missing
}

TEST(NoiseFloorStream, SameForAnyTilesAndRanks) {
  auto const world = mpi::Comm::world();
  auto const table = usage();
  for (auto const scope : {Scope::layer, Scope::model}) {
    auto rule = rule_of(Resampling::complementary, scope);
    rule.threshold = .6;
    auto const benign = test::select_whole({}, table, rule, 3);
    auto const alone = test::floor_whole(table, benign, 3);
    NoiseFloorStream stream(world, space, rule, 3);
    for (auto const& tile : tiles) stream.add(layers_of(table, tile));
    auto const floors = stream.finish(benign);
    ASSERT_EQ(floors.size(), alone.size());
    for (std::size_t g = 0; g < floors.size(); ++g) {
      EXPECT_EQ(floors[g].group, alone[g].group);
      EXPECT_EQ(floors[g].sizes, alone[g].sizes);
    }
    EXPECT_GT(std::ranges::max(floors[2].sizes) + std::ranges::max(floors[3].sizes), 0);
  }
}

}  // namespace
}  // namespace moerae
