// The engine without prompts: units are passes in which experts were masked at random, labels their outcomes
// in whole numbers, shuffled under the null hypothesis.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "moerae/base/random.hpp"
#include "reduce/significance/permutation.hpp"
#include "reduce/significance/true_discoveries.hpp"

namespace moerae {
namespace {

constexpr std::size_t passes = 120, experts = 30;

std::uint64_t bits(std::uint32_t stream, std::uint32_t i, std::uint32_t j) {
  return random_bits(7, stream, i, j);
}

bool masked(std::size_t pass, std::size_t expert) {
  return bits(1, static_cast<std::uint32_t>(pass), static_cast<std::uint32_t>(expert)) % 5 == 0;
}

/// Mean outcome of the passes with the expert masked less that of the others, over its spread.
class MaskedDifference final : public Statistic {
 public:
  MaskedDifference(std::size_t first, std::size_t n) : first_(first), n_(n) {}
  void evaluate(std::span<Label const> labels, std::span<double> t) const override {
    for (std::size_t b = 0; b * passes < labels.size(); ++b)
      for (std::size_t e = 0; e < n_; ++e) {
        double sum[2] = {}, square = 0, n[2] = {};
        for (std::size_t u = 0; u < passes; ++u) {
          double const y = labels[b * passes + u];
          auto const side = masked(u, first_ + e) ? 1 : 0;
          sum[side] += y, n[side] += 1, square += y * y;
        }
        t[b * n_ + e] = (sum[1] / n[1] - sum[0] / n[0]) / std::sqrt(square / passes * (1 / n[0] + 1 / n[1]));
      }
  }

 private:
  std::size_t first_, n_;
};

/// Drop of the margin, less its mean: noise, and 60 where expert 4 or 17 is masked.
std::vector<Label> outcomes(Label effect) {
  std::vector<Label> y;
  int mean = 0;
  for (std::size_t u = 0; u < passes; ++u) {
    auto const noise = static_cast<int>(bits(2, static_cast<std::uint32_t>(u), 0) % 201) - 100;
    auto const drop = effect * ((masked(u, 4) ? 1 : 0) + (masked(u, 17) ? 1 : 0));
    y.push_back(static_cast<Label>(noise + drop));
    mean += y.back();
  }
  for (auto& value : y) value = static_cast<Label>(value - mean / static_cast<int>(passes));
  return y;
}

Significance tested(std::vector<Label> const& y, std::size_t tile) {
  Labellings const labels{
      y, [&](std::uint32_t replicate) {
        auto shuffled = y;
        for (auto i = passes; i > 1; --i)
          std::swap(shuffled[i - 1],
                    shuffled[random_below(bits(3, replicate, static_cast<std::uint32_t>(i)), i)]);
        return shuffled;
      }};
  store::ScoreTest const design{
      .statistic = "masked difference", .units = passes, .movable = passes, .smallest_p = 1e-3};
  auto const tiles = [&](auto const& visit) {
    for (std::size_t first = 0; first < experts; first += tile)
      visit({tile, [=](std::size_t) { return std::make_unique<MaskedDifference>(first, tile); }});
  };
  return permutation_test({}, labels, std::span(&design, 1), experts, tiles, {.permutations = 999}).front();
}

TEST(ShuffledOutcomes, FindTheExpertsThatMatter) {
  auto const found = tested(outcomes(60), experts);
  EXPECT_EQ(found.statistic, "masked difference");
  EXPECT_EQ(found.permutations, 999);
  for (std::size_t e = 0; e < experts; ++e) EXPECT_EQ(found.p_adjusted[e] < .05, e == 4 || e == 17) << e;
  EXPECT_GE(true_discoveries(found.lambda, experts, std::vector{found.t[4], found.t[17]}), 1U);
  EXPECT_EQ(tested(outcomes(60), 10).p_adjusted, found.p_adjusted);
}

TEST(ShuffledOutcomes, FindNothingWhereNothingIs) {
  EXPECT_GT(std::ranges::min(tested(outcomes(0), experts).p_adjusted), .05);
}

TEST(ShuffledOutcomes, ARefusedDesignHasItsStatisticOnly) {
  auto const y = outcomes(60);
  Labellings const labels{y,
                          [](std::uint32_t) -> std::vector<Label> { throw std::logic_error("not redrawn"); }};
  store::ScoreTest const design{.statistic = "refused", .refused = "too few passes"};
  auto const found =
      permutation_test(
          {}, labels, std::span(&design, 1), experts,
          [](auto const& visit) {
            visit({experts, [](std::size_t) { return std::make_unique<MaskedDifference>(0, experts); }});
          },
          {.permutations = 999})
          .front();
  EXPECT_EQ(found.t, tested(y, experts).t);
  EXPECT_TRUE(found.p.empty() && found.p_adjusted.empty());
  EXPECT_EQ(found.permutations, 0);
}

}  // namespace
}  // namespace moerae
