#include "reduce/contrast/paired_t.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "moerae/base/check.hpp"
#include "reduce/contrast/studentised.hpp"
#include "reduce/significance/made_groups.hpp"

namespace moerae {
namespace {

using test::ids, test::random_usage;

TEST(PairedT, IsStudentsAboutZeroForEveryFlip) {
  auto const a = random_usage(1, ids(0, 16)), b = random_usage(2, ids(4, 16));  // 12 pairs
  Relabelling const exchange(a, b, {});
  auto const statistic = paired_t({Group(a), Group(b)}, exchange);
  std::vector<double> t(16);
  for (std::uint32_t r = 0; r < 20; ++r) {
    auto const labels = r == 0 ? exchange.observed() : exchange.relabelled(5, r);
    statistic->evaluate(labels, t);
    for (std::size_t e = 0; e < t.size(); ++e) {
      double sum = 0, squares = 0;
      for (std::size_t u = 0; u < labels.size(); ++u) {
        auto const& unit = exchange.units()[u];
        if (!unit.pair()) continue;
        auto const i = static_cast<std::size_t>(unit.a), j = static_cast<std::size_t>(unit.b);
        double const d = static_cast<double>(a.count[i * 16 + e]) / static_cast<double>(a.tokens[i]) -
                         static_cast<double>(b.count[j * 16 + e]) / static_cast<double>(b.tokens[j]);
        sum += labels[u] != 0 ? d : -d;
        squares += d * d;
      }
      ASSERT_NEAR(t[e], sum / std::sqrt(squares), 1e-6) << r << " " << e;
      double const mean = sum / 12, student = mean / std::sqrt((squares / 12 - mean * mean) / 11);
      ASSERT_NEAR(t[e], student * std::sqrt(12 / (11 + student * student)), 1e-6);
    }
  }
}

TEST(PairedT, ExtremesAreFinite) {
  auto a = random_usage(1, ids(0, 12), 1), b = random_usage(2, ids(0, 12), 1);
  for (std::size_t c = 0; c < 12; ++c) {
    a.count[c * 8] = b.count[c * 8] = 0;
    a.count[c * 8 + 1] = a.tokens[c];
    b.count[c * 8 + 1] = 0;
  }
  auto const t = observed_statistic(paired_t, {Group(a), Group(b)});
  EXPECT_EQ(t[0], 0);
  EXPECT_DOUBLE_EQ(t[1], std::sqrt(12.0));
  auto const back = observed_statistic(paired_t, {Group(b), Group(a)});
  for (std::size_t e = 0; e < 8; ++e) EXPECT_EQ(t[e], -back[e]);
}

TEST(PairedT, NinePairsAreRefused) {
  auto const a = random_usage(1, ids(0, 12)), b = random_usage(2, ids(3, 12));
  try {
    (void)observed_statistic(paired_t, {Group(a), Group(b)});
    FAIL() << "nine pairs were taken";
  } catch (ConfigError const& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("9 common clusters"),
                                             testing::HasSubstr("criterion studentised")));
  }
}

}  // namespace
}  // namespace moerae
