// Calibration: expert ids permuted per cluster and layer, so that every expert has the same chance q/p of
// being in the top of a half. All selected experts are then chance selections, and their mean number must
// keep the bound.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "reduce/bounds/stability_bound.hpp"
#include "reduce/contrast/functions.hpp"
#include "reduce/stability/exchangeable_tables.hpp"
#include "reduce/stability/stability_stream.hpp"
#include "reduce/stability/whole_model.hpp"

namespace moerae {
namespace {

using test::ExchangeableTables;

ExpertSpace const space{{0, 5}, 20, 2};
constexpr int runs = 500;
constexpr std::array<double, 4> thresholds{.6, .7, .8, .9};

// Number of selected experts over the runs, at each threshold.
struct Selected {
  std::array<double, 4> sum{}, squares{};
  double runs = 0;
  void add(Stability const& found) {
    ++runs;
    for (std::size_t i = 0; i < thresholds.size(); ++i) {
      auto rule = found.rule;
      rule.threshold = thresholds[i];
      auto const n = static_cast<double>(
          std::ranges::count_if(found.count, [&](std::int64_t c) { return c >= rule.needed(); }));
      sum[i] += n;
      squares[i] += n * n;
    }
  }
  [[nodiscard]] double mean(std::size_t i) const { return sum[i] / runs; }
  [[nodiscard]] double error(std::size_t i) const {
    return std::sqrt((squares[i] / runs - mean(i) * mean(i)) / runs);
  }
};

void expect_within_bounds(Selected const& selected, BoundCase of) {
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    of.threshold = thresholds[i];
    auto const bound = unimodal_bound(of);
    ASSERT_TRUE(bound.value) << bound.reason;
    EXPECT_LE(selected.mean(i), *bound.value + 3 * selected.error(i)) << "at threshold " << thresholds[i];
  }
}

Selected null_usage(ExpertSpace const& experts, StabilityRule const& rule, std::uint64_t runs_of) {
  Selected selected;
  for (std::uint64_t run = 0; run < runs_of; ++run) {
    auto const table = ExchangeableTables(run).table("null", experts, 0, 24, 0);
    selected.add(test::select_whole({}, table, rule, 1000 + run));
  }
  return selected;
}

TEST(NullCalibration, UsageKeepsTheBound) {
  auto const selected = null_usage(space, {}, runs);
  expect_within_bounds(selected, {.q = 4, .p = 40});
  // chance does select: 40 experts x .0199, the normal limit of exchangeable experts (computed in numpy)
  EXPECT_NEAR(selected.mean(0), 40 * .0198842, .15 + 3 * selected.error(0));
}

TEST(NullCalibration, SmallTopsKeepTheBound) {
  StabilityRule rule;
  rule.alpha = .025;  // 1 of 40
  auto const selected = null_usage({{0, 1, 2, 3}, 40, 1}, rule, 2500);
  expect_within_bounds(selected, {.q = 4, .p = 160});
  EXPECT_GT(selected.sum[3], 0);  // 10 or so at .9
}

Stability select_by(Comparison const& groups, StabilityRule const& rule, std::uint64_t seed) {
  mpi::Comm const serial;
  StabilityStream stream(serial, space, rule, seed, "");
  stream.add(groups, contrast::risk_difference);
  return stream.finish();
}

StabilityRule contrast_rule() {
  StabilityRule rule;
  rule.score = "risk_difference";
  rule.scope = Scope::model;
  return rule;
}

TEST(NullCalibration, ContrastOverTheModelKeepsTheBound) {
  Selected selected;
  auto rule = contrast_rule();
  rule.alpha = .1;
  for (std::uint64_t run = 0; run < runs; ++run) {
    ExchangeableTables const tables(run);
    auto const a = tables.table("a", space, 0, 20, 0), b = tables.table("b", space, 8, 20, 1);  // 12 pairs
    selected.add(select_by({Group(a), Group(b)}, rule, run));
  }
  expect_within_bounds(selected, {.q = 4, .p = 40});
  EXPECT_GT(selected.mean(0), .05);
}

TEST(Power, ShiftedExpertsAreFoundAndFewOthers) {
  constexpr int power_runs = 100;
  int found = 0, others = 0;
  auto const rule = contrast_rule();
  for (std::uint64_t run = 0; run < power_runs; ++run) {
    ExchangeableTables const tables(run);
    auto a = tables.table("a", space, 0, 60, 0);
    auto const b = tables.table("b", space, 0, 60, 1);
    for (std::size_t c = 0; c < 60; ++c) {  // by about one standard deviation between clusters
      a.count[c * space.size() + 4] += 300;
      a.count[c * space.size() + 31] -= 300;
    }
    auto const selected = select_by({Group(a), Group(b)}, rule, run);
    for (std::size_t e = 0; e < space.size(); ++e)
      (e == 4 || e == 31 ? found : others) += selected.selected(e) ? 1 : 0;
  }
  EXPECT_GE(found, 2 * power_runs * 9 / 10);
  EXPECT_LE(others, power_runs);  // E[V] <= 1 by the choice of N
}

}  // namespace
}  // namespace moerae
