// Whole runs on data without a difference: how often anything is called significant, over 400 worlds.

#include <gtest/gtest.h>

#include <algorithm>

#include "reduce/contrast/contrast_statistic.hpp"
#include "reduce/contrast/paired_t.hpp"
#include "reduce/contrast/studentised.hpp"
#include "reduce/significance/made_groups.hpp"
#include "reduce/significance/true_discoveries.hpp"

namespace moerae {
namespace {

using test::ids, test::random_usage, test::uniform;

constexpr int worlds = 400;
constexpr int most = 20 + 13;  // 5 % and three standard errors

struct Fired {
  int adjusted = 0, discoveries = 0;
};

void run(UsageTable const& a, UsageTable const& b, ContrastTest const& row, PermuteWithin within,
         std::uint64_t seed, Fired& fired) {
  Comparison const groups{Group(a), Group(b)};
  auto const found = test_contrasts({}, Relabelling(a, b, within), seed, std::vector{&row}, a.space.size(),
                                    [&](auto const& take) { take(groups); }, {.permutations = 99})
                         .front();
  fired.adjusted += *std::ranges::min_element(found.p_adjusted) <= .05 ? 1 : 0;
  fired.discoveries += true_discoveries(found.lambda, a.space.size(), found.t) > 0 ? 1 : 0;
}

TEST(Null, RandomGroupsFireAsOftenAsStated) {
  Fired apart, mixed, paired;
  for (std::uint64_t world = 0; world < worlds; ++world) {
    auto const a = random_usage(2 * world, ids(0, 25)), b = random_usage(2 * world + 1, ids(100, 35));
    run(a, b, {"studentised", studentised, false}, {}, world, apart);
    auto const c = random_usage(2 * world + 1, ids(15, 30));
    run(a, c, {"studentised", studentised, false}, {}, world, mixed);
    auto const twin = random_usage(2 * world + 1, ids(0, 25));
    run(a, twin, {"paired_t", paired_t, true}, {}, world, paired);
  }
  for (auto const& fired : {apart, mixed, paired}) {
    EXPECT_LE(fired.adjusted, most);
    EXPECT_GE(fired.adjusted, 4);  // a test that never fires has no power
    EXPECT_LE(fired.discoveries, most);
  }
}

/// Usage that depends on the length of the prompt and on nothing else; the longer the likelier in group a.
void worlds_of_lengths(PermuteWithin within, int n, Fired& fired) {
  for (int world = 0; world < n; ++world) {
    auto const seed = 5000 + static_cast<std::uint64_t>(world);
    auto all = random_usage(seed, ids(0, 160));
    std::vector<std::size_t> in_a, in_b;
    for (std::size_t c = 0; c < 160; ++c) {
      auto const i = static_cast<std::int64_t>(c);
      double const length = uniform(seed, i, 1000);
      all.length[c] = static_cast<std::int64_t>(10 + 190 * length);
      for (std::size_t e = 0; e < 4; ++e)
        all.count[c * 16 + e] += static_cast<std::int64_t>(.3 * length * static_cast<double>(all.tokens[c]));
      (uniform(seed, i, 1001) < .2 + .6 * length ? in_a : in_b).push_back(c);
    }
    run(rows_of(all, in_a), rows_of(all, in_b), {"studentised", studentised, false}, within, seed, fired);
  }
}

TEST(Null, LengthIsHeldByStrataAndMisleadsWithoutThem) {
  Fired within, without;
  worlds_of_lengths({}, worlds, within);
  worlds_of_lengths({.topic = true, .length = false}, 60, without);
  EXPECT_LE(within.adjusted, most + 12);  // what is left of the length within an eighth: at most 3 % more
  EXPECT_GE(without.adjusted, 45);        // of 60
}

}  // namespace
}  // namespace moerae
