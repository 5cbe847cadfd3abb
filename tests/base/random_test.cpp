#include "moerae/base/random.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "moerae/base/progress.hpp"

namespace moerae {
namespace {

// Known answers of Philox4x32-10 from the distribution of Random123 (kat_vectors).
TEST(Random, PhiloxKnownAnswers) {
  EXPECT_EQ(philox(0, {0, 0, 0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(0xffffffffffffffff, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x299f31d0a4093822, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, EveryArgumentCounts) {
  auto const base = random_bits(1, 2, 3, 4);
  EXPECT_NE(base, random_bits(2, 2, 3, 4));
  EXPECT_NE(base, random_bits(1, 3, 3, 4));
  EXPECT_NE(base, random_bits(1, 2, 4, 4));
  EXPECT_NE(base, random_bits(1, 2, 3, 5));
  EXPECT_EQ(base, random_bits(1, 2, 3, 4));
}

TEST(Random, BelowIsUniform) {
  std::vector<int> seen(6, 0);
  for (std::uint32_t i = 0; i < 60000; ++i) ++seen[random_below(random_bits(5, 0, i, 0), 6)];
  double chi2 = 0;
  for (int n : seen) chi2 += (n - 10000.0) * (n - 10000.0) / 10000.0;
  EXPECT_LT(chi2, 20.5);  // 5 degrees of freedom, p = .001
  EXPECT_EQ(random_below(~std::uint64_t{0}, 6), 5U);
  EXPECT_EQ(random_below(0, 6), 0U);
}

TEST(Progress, DurationsReadWell) {
  EXPECT_EQ(format_duration(12.4), "12s");
  EXPECT_EQ(format_duration(200), "3m 20s");
  EXPECT_EQ(format_duration(7500), "2h 05m");
}

}  // namespace
}  // namespace moerae
