#include "reduce/stability/stability.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/base/random.hpp"
#include "reduce/made_run.hpp"
#include "reduce/resampling/replicates.hpp"
#include "reduce/stability/top_counter.hpp"
#include "reduce/stability/whole_model.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using test::made_table;
using test::message_of;
using test::message_of_code;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::int64_t> const ids{-5, 3, 4, 90, 1LL << 40, 1LL << 60, (1LL << 60) + 1};

TEST(Resample, ComplementaryHalvesAreDisjointAndOfEqualSize) {
  for (std::int64_t pair = 0; pair < 50; ++pair) {
    auto const one = replicate_weights(Resampling::complementary, 7, 2 * pair, ids);
    auto const two = replicate_weights(Resampling::complementary, 7, 2 * pair + 1, ids);
    EXPECT_EQ(std::accumulate(one.begin(), one.end(), 0), 3);
    EXPECT_EQ(std::accumulate(two.begin(), two.end(), 0), 3);
    for (std::size_t c = 0; c < ids.size(); ++c) EXPECT_LE(one[c] + two[c], 1);
  }
}

TEST(Resample, KeysBelongToClusterIds) {
  // of the clusters that remain, the order is the one they had: what stands beside a cluster does not matter
  auto const all = shuffled(7, Draw::half_sample, 3, ids);
  std::vector<std::int64_t> fewer(ids.begin() + 2, ids.end()), kept, alone;
  for (auto const c : all)
    if (c >= 2) kept.push_back(ids[c]);
  for (auto const c : shuffled(7, Draw::half_sample, 3, fewer)) alone.push_back(fewer[c]);
  EXPECT_EQ(kept, alone);
}

TEST(Resample, EveryClusterIsDrawnEquallyOften) {
  std::vector<std::int64_t> half(ids.size(), 0), boot(ids.size(), 0);
  constexpr std::int64_t replicates = 7000;
  for (std::int64_t r = 0; r < replicates; ++r) {
    auto const h = replicate_weights(Resampling::complementary, 1, r, ids),
               b = replicate_weights(Resampling::bootstrap, 1, r, ids);
    EXPECT_EQ(std::accumulate(b.begin(), b.end(), 0), 7);
    for (std::size_t c = 0; c < ids.size(); ++c) {
      half[c] += h[c];
      boot[c] += b[c];
    }
  }
  for (std::size_t c = 0; c < ids.size(); ++c) {
    EXPECT_NEAR(static_cast<double>(half[c]), 3000, 210)
        << c;  // 5 standard deviations of binomial(7000, 3/7)
    EXPECT_NEAR(static_cast<double>(boot[c]), 7000, 400) << c;
  }
}

TEST(Resample, SumsOfWholeLayers) {
  // 3 layers of 300 experts: more than fits into one piece
  ExpertSpace const space{{0, 4, 9}, 300, 1};
  std::vector<std::vector<std::int64_t>> counts(3, std::vector<std::int64_t>(900));
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t e = 0; e < 900; ++e) counts[c][e] = static_cast<std::int64_t>((c + 1) * 100'000 + e);
  auto const table = made_table("s", space, counts, {3, 30, 300});
  std::vector<std::int16_t> const weights{2, 0, 3, 1, 1, 1};
  std::vector<std::vector<std::int64_t>> found(2, std::vector<std::int64_t>(900, -1));
  each_layers_sums(table, PackedWeights(std::span(weights), 3),
                   [&](std::size_t first, std::size_t n, std::span<std::int64_t const> sums) {
                     for (std::size_t r = 0; r < 2; ++r)
                       for (std::size_t e = 0; e < n; ++e) found[r][first * 300 + e] = sums[r * n + e];
                   });
  for (std::size_t e = 0; e < 900; ++e) {
    EXPECT_EQ(found[0][e], 2 * counts[0][e] + 3 * counts[2][e]);
    EXPECT_EQ(found[1][e], counts[0][e] + counts[1][e] + counts[2][e]);
  }
}

TEST(TopCounter, CountsMembershipAtEverySizeWithTiesByIndex) {
  TopCounter counter({1, 3}, 8);
  for (std::vector<Candidate> some :
       std::vector<std::vector<Candidate>>{{{5, 0}, {7, 1}, {5, 2}, {7, 3}},  // order 1 3 0 2
                                           {{.5, 6}},
                                           {{0, 3}, {5, 2}, {7, 1}, {5, 0}}}) {  // order 1 0 2 3
    auto kept = some;
    counter.keep_best(kept);
    EXPECT_EQ(kept.size(), std::min<std::size_t>(3, some.size()));
    counter.add(some);
  }
  EXPECT_THAT(counter.path({}), ElementsAre(0, 2, 0, 0, 0, 0, 1, 0,  //
                                            2, 2, 1, 1, 0, 0, 1, 0));
}

TEST(TopN, SizeOfKnownModels) {
  auto const auto_size = [](int experts, int k) {
    return top_size({{0}, experts, k}, Scope::layer, std::nullopt);
  };
  EXPECT_EQ(auto_size(128, 8), 12);  // Qwen3-30B-A3B
  EXPECT_EQ(auto_size(64, 8), 8);    // OLMoE
  EXPECT_EQ(auto_size(8, 2), 2);     // Mixtral
  ExpertSpace const space{{0, 1}, 10, 1};
  EXPECT_EQ(top_size(space, Scope::layer, .3), 3);  // .3 * 10 = 2.9999999999999996 in floating point
  EXPECT_EQ(top_size(space, Scope::model, .3), 6);
  EXPECT_THAT(message_of<ConfigError>([&] { (void)top_size(space, Scope::layer, .05); }), HasSubstr("none"));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)top_size(space, Scope::layer, 1.0); }), HasSubstr("all"));
  for (double const share : {-.1, 0.0, 1e300, std::nan("")})
    EXPECT_THROW((void)top_size(space, Scope::layer, share), ConfigError) << share;
}

TEST(Stability, PathHoldsTheSizeOfTheRule) {
  for (std::int64_t top : {1, 2, 12, 40, 576})
    EXPECT_THAT(path_sizes(top, 6144), testing::Contains(static_cast<std::int32_t>(top)));
  EXPECT_THAT(path_sizes(2, 4), ElementsAre(1, 2, 3));
  EXPECT_LE(path_sizes(576, 6144).size(), 25U);
}

UsageTable random_table(std::vector<std::size_t> const& expert_at) {
  std::vector<std::vector<std::int64_t>> counts;
  for (std::uint32_t c = 0; c < 12; ++c) {
    std::vector<std::int64_t> row(10);
    for (std::uint32_t e = 0; e < 10; ++e)
      row[expert_at[e]] =
          static_cast<std::int64_t>(random_below(random_bits(3, 0, c, e), 1'000'000)) + 100'000 * (e % 5);
    counts.push_back(row);
  }
  return made_table("s", {{0, 1}, 5, 2}, counts, std::vector<std::int64_t>(12, 5'000'000));
}

std::vector<std::size_t> const identity{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, permuted{3, 0, 4, 1, 2, 5, 9, 8, 7, 6};

TEST(Stability, FrequenciesOfALayerSumToN) {
  StabilityRule rule;
  auto const result = test::select_whole({}, random_table(identity), rule, 5);
  auto const frequency = result.frequency();
  EXPECT_EQ(result.top, 2);
  for (std::size_t l = 0; l < 2; ++l)
    EXPECT_NEAR(std::accumulate(frequency.begin() + 5 * static_cast<long>(l),
                                frequency.begin() + 5 * static_cast<long>(l + 1), 0.0),
                2, 1e-12);
  auto const path = result.path_frequency();
  for (std::size_t a = 0; a < result.sizes.size(); ++a)
    EXPECT_NEAR(std::accumulate(path.begin() + 10 * static_cast<long>(a),
                                path.begin() + 10 * static_cast<long>(a + 1), 0.0),
                2.0 * result.sizes[a], 1e-12);
}

TEST(Stability, FollowsRelabelledExperts) {
  for (auto const kind : {Resampling::complementary, Resampling::bootstrap}) {
    StabilityRule rule;
    rule.resampling = kind;
    auto const plain = test::select_whole({}, random_table(identity), rule, 5);
    auto const other = test::select_whole({}, random_table(permuted), rule, 5);
    for (std::size_t e = 0; e < 10; ++e) EXPECT_EQ(plain.count[e], other.count[permuted[e]]) << e;
    EXPECT_THAT(plain.count,
                testing::Contains(testing::AllOf(testing::Gt(0), testing::Lt(100))));  // not all certain
  }
}

TEST(Stability, ThresholdInReplicates) {
  StabilityRule rule;
  EXPECT_EQ(rule.needed(), 90);
  Stability stability;
  stability.count = {90, 89, 10};
  EXPECT_TRUE(stability.selected(0));
  EXPECT_FALSE(stability.selected(1));
  EXPECT_TRUE(stability.rarely(2));  // 1 - .9 is below .1 in floating point: counts decide
  EXPECT_FALSE(stability.rarely(1));
}

TEST(Stability, HandComputedBootstrap) {
  // expert 1 leads in cluster 10 only; it is in the top 1 of a replicate when that cluster is drawn often
  // enough
  auto const table = made_table("s", {{0}, 2, 1}, {{0, 10}, {4, 0}, {4, 0}}, {10, 4, 4});
  StabilityRule rule;
  rule.resampling = Resampling::bootstrap;
  rule.samples = 400;
  std::int64_t expected = 0;
  for (std::int64_t r = 0; r < 400; ++r) {
    auto const w = replicate_weights(rule.resampling, 9, r, table.clusters);
    expected += 10 * w[0] > 4 * (w[1] + w[2]) ? 1 : 0;
  }
  auto const result = test::select_whole({}, table, rule, 9);
  EXPECT_THAT(result.count, ElementsAre(400 - expected, expected));
  EXPECT_NEAR(static_cast<double>(expected), 400 * 19.0 / 27, 46);  // P(w0 >= 1), 5 standard deviations
}

TEST(Stability, ScopeOfItsOwn) {
  SesOptions options;
  EXPECT_EQ(stability_rule(options).scope, Scope::layer);
  options.score = "risk_difference";
  EXPECT_EQ(stability_rule(options).scope, Scope::model);
  options.scope = Scope::layer;
  EXPECT_EQ(stability_rule(options).scope, Scope::layer);
}

TEST(Stability, PresetPaper) {
  auto const rule = stability_rule({.resample = Resampling::bootstrap, .threshold = 1, .preset = "paper"});
  EXPECT_TRUE(rule.plain_difference);
  EXPECT_EQ(rule.needed(), rule.samples);
}

TEST(Stability, OneClusterIsRefused) {
  auto const table = made_table("lonely", {{0}, 4, 1}, {{1, 2, 3, 4}}, {10});
  auto const select = [&] { (void)test::select_whole({}, table, {}, 0); };
  EXPECT_THAT(message_of_code(ExitCode::bad_configuration, select),
              testing::AllOf(HasSubstr("lonely"), HasSubstr("at least 2")));
}

TEST(Stability, TopOfAContrastKeepsOneChanceSelection) {
  StabilityRule rule;
  rule.score = "js";
  rule.scope = Scope::model;
  ExpertSpace qwen{{}, 128, 8};
  for (std::int32_t l = 0; l < 48; ++l) qwen.layers.push_back(l);
  EXPECT_EQ(top_of(qwen, rule), 119);
  rule.scope = Scope::layer;
  EXPECT_EQ(top_of(qwen, rule), 2);
  rule.scope = Scope::model;
  rule.alpha = .1;
  EXPECT_EQ(top_of(qwen, rule), 614);
  rule.alpha.reset();
  rule.threshold = .52;  // 1/(10 * 2 (.04 - .01)) = 1.7 at q = 1
  EXPECT_THAT(message_of<ConfigError>([&] { (void)top_of({{0}, 10, 1}, rule); }), HasSubstr("ses.threshold"));
}

}  // namespace
}  // namespace moerae
