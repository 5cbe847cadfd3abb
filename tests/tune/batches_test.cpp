#include "tune/batches.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace moerae {
namespace {

// 30 to learn of 5 to 9 tokens, 10 to keep of 4.
std::vector<Example> examples() {
  std::vector<Example> all;
  for (std::size_t i = 0; i < 40; ++i)
    all.push_back({i, {}, i % 4 == 3, i % 4 == 3 ? 3 : 4 + static_cast<std::int64_t>(i % 5), 2});
  return all;
}

TuneOptions options(std::int64_t steps, std::int64_t tokens, double share) {
  TuneOptions out;
  out.steps = steps;
  out.batch_tokens = tokens;
  out.retain_share = share;
  return out;
}

TEST(BatchesTest, StayWithinTheirTokensAndMixByShare) {
  auto const all = examples();
  auto const batches = plan_batches(all, options(50, 60, 0.25), 1);
  ASSERT_EQ(batches.size(), 50U);
  std::size_t taken = 0, kept = 0;
  for (auto const& batch : batches) {
    std::int64_t tokens = 0;
    for (auto const i : batch) {
      tokens += all[i].tokens();
      kept += all[i].retain;
    }
    taken += batch.size();
    EXPECT_LE(tokens, 60);
    EXPECT_GT(tokens, 50);  // the next one did not fit
    EXPECT_NEAR(static_cast<double>(kept), 0.25 * static_cast<double>(taken), 1);
  }
}

TEST(BatchesTest, AnEpochHasEveryExampleOnceInAnOrderOfItsOwn) {
  auto const all = examples();
  auto const batches = plan_batches(all, options(60, 9, 0), 1);  // one or two a step
  Indices order;
  for (auto const& batch : batches) order.insert(order.end(), batch.begin(), batch.end());
  Indices const first(order.begin(), order.begin() + 30), second(order.begin() + 30, order.begin() + 60);
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), 30U);
  EXPECT_EQ(std::set(second.begin(), second.end()), std::set(first.begin(), first.end()));
  EXPECT_NE(first, second);
  EXPECT_NE(plan_batches(all, options(60, 9, 0), 2), batches);
  EXPECT_EQ(plan_batches(all, options(60, 9, 0), 1), batches);
}

TEST(BatchesTest, AnExampleLongerThanAStepIsAStep) {
  auto const all = examples();
  for (auto const& batch : plan_batches(all, options(20, 1, 0.5), 1)) EXPECT_EQ(batch.size(), 1U);
}

TEST(SpreadTest, EveryExampleIsOnOneRankAndAllRanksMakeAsManyPasses) {
  auto const all = examples();
  Indices batch(all.size());
  std::iota(batch.begin(), batch.end(), 0U);
  for (int ranks = 1; ranks <= 5; ++ranks) {
    auto const spreaded = spread(all, batch, ranks, 20);
    ASSERT_EQ(spreaded.size(), static_cast<std::size_t>(ranks));
    Indices seen;
    std::vector<std::int64_t> total;
    for (auto const& passes : spreaded) {
      EXPECT_EQ(passes.size(), spreaded[0].size());
      total.push_back(0);
      for (auto const& pass : passes) {
        std::int64_t tokens = 0;
        for (auto const i : pass) tokens += all[i].tokens();
        EXPECT_LE(tokens, 20);
        total.back() += tokens;
        seen.insert(seen.end(), pass.begin(), pass.end());
      }
    }
    std::ranges::sort(seen);
    EXPECT_EQ(seen, batch);
    EXPECT_LE(std::ranges::max(total) - std::ranges::min(total), 9);
  }
}

}  // namespace
}  // namespace moerae
