#include "reduce/significance/max_t.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "reduce/significance/made_groups.hpp"

namespace moerae {
namespace {

using testing::ElementsAre;

std::vector<float> random_magnitudes(std::uint64_t seed, std::size_t n) {
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i)
    values.push_back(static_cast<float>(4 * test::uniform(seed, static_cast<std::int64_t>(i))));
  return values;
}

TEST(MaxT, HandCounted) {
  MaxT counts({3, 1, 2});
  counts.add(std::vector<float>{0, 3.5F, 0});  // expert 1 stands for all as long as it is not rejected
  counts.add(std::vector<float>{2.5F, 0, 0});  // expert 0 is rejected when it is the turn of 2 and 1
  counts.add(std::vector<float>{0, .5F, 2});
  EXPECT_THAT(counts.adjusted(3), ElementsAre(2 / 4., 3 / 4., 3 / 4.));
  EXPECT_THAT(counts.marginal(3), ElementsAre(1 / 4., 2 / 4., 2 / 4.));
}

TEST(MaxT, EqualsTheDefinitionAndBlocksDoNotMatter) {
  std::size_t const experts = 12, replicates = 200;
  auto observed = random_magnitudes(1, experts);
  observed[7] = observed[2];  // a tie
  auto const permuted = random_magnitudes(2, experts * replicates);
  MaxT all(observed), pieces(observed);
  all.add(permuted);
  for (std::size_t r = 0; r < replicates; r += 50)
    pieces.add(std::span(permuted).subspan(r * experts, 50 * experts));
  auto const p = all.adjusted(replicates);
  EXPECT_EQ(p, pieces.adjusted(replicates));
  EXPECT_EQ(p[7], p[2]);
  for (std::size_t e = 0; e < experts; ++e) {
    // the largest p of the experts with at least as large an observed T; each against the maximum over those
    // with at most its own
    double expected = 0;
    for (std::size_t f = 0; f < experts; ++f) {
      if (observed[f] < observed[e]) continue;
      int count = 0;
      for (std::size_t r = 0; r < replicates; ++r) {
        float largest = 0;
        for (std::size_t g = 0; g < experts; ++g)
          if (observed[g] <= observed[f]) largest = std::max(largest, permuted[r * experts + g]);
        count += largest >= observed[f] ? 1 : 0;
      }
      expected = std::max(expected, (1.0 + count) / (replicates + 1.0));
    }
    EXPECT_DOUBLE_EQ(p[e], expected) << e;
    EXPECT_GE(p[e], all.marginal(replicates)[e]);
    for (std::size_t f = 0; f < experts; ++f) {
      EXPECT_TRUE(observed[f] <= observed[e] || p[f] <= p[e]) << e << " " << f;
    }
  }
}

TEST(BenjaminiHochberg, OfAWorkedExample) {
  // R: p.adjust(c(.01, .04, .03, .5, .04), "BH")
  std::vector<double> const p{.01, .04, .03, .5, .04};
  auto const q = benjamini_hochberg(p);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_NEAR(q[i], (std::vector<double>{.05, .05, .05, .5, .05})[i], 1e-15);
  EXPECT_THAT(benjamini_hochberg(std::vector<double>{.9, 1}), ElementsAre(1, 1));
}

}  // namespace
}  // namespace moerae
