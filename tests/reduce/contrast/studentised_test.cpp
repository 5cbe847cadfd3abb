#include "reduce/contrast/studentised.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "reduce/significance/made_groups.hpp"

namespace moerae {
namespace {

using test::ids, test::random_usage;
using Values = std::vector<std::int64_t> UsageTable::*;

struct Side {
  std::map<std::int64_t, std::pair<long double, long double>> of;  ///< cluster -> y, n
};

/// T of expert e by the definition, after the labels have dealt the prompts of every cluster to two new
/// groups.
double by_definition(UsageTable const& a, UsageTable const& b, Relabelling const& exchange,
                     std::span<Label const> labels, Values values, std::size_t e) {
  Side group_a, group_b;
  auto const put = [&](Side& to, UsageTable const& from, std::int64_t cluster) {
    for (std::size_t c = 0; c < from.clusters.size(); ++c)
      if (from.clusters[c] == cluster)
        to.of[cluster] = {static_cast<long double>((from.*values)[c * from.space.size() + e]),
                          static_cast<long double>(from.tokens[c])};
  };
  for (std::size_t u = 0; u < labels.size(); ++u) {
    auto const& unit = exchange.units()[u];
    auto &first = labels[u] != 0 ? group_a : group_b, &second = labels[u] != 0 ? group_b : group_a;
    put(first, unit.a >= 0 ? a : b, unit.cluster);
    if (unit.pair()) put(second, b, unit.cluster);
  }
  long double y[2] = {}, n[2] = {};
  for (int g = 0; g < 2; ++g)
    for (auto const& [cluster, yn] : (g == 0 ? group_a : group_b).of) {
      y[g] += yn.first;
      n[g] += yn.second;
    }
  long double const p0 = (y[0] + y[1]) / (n[0] + n[1]);
  std::map<std::int64_t, long double> u;
  for (auto const& [cluster, yn] : group_a.of) u[cluster] += (yn.first - p0 * yn.second) / n[0];
  for (auto const& [cluster, yn] : group_b.of) u[cluster] -= (yn.first - p0 * yn.second) / n[1];
  long double variance = 0;
  for (auto const& [cluster, value] : u) variance += value * value;
  return static_cast<double>((y[0] / n[0] - y[1] / n[1]) / std::sqrt(variance));
}

struct Case {
  char const* name;
  std::vector<std::int64_t> a, b;
};

class StudentisedOf : public testing::TestWithParam<Case> {};

void compare(MakeStatistic make, Comparison const& groups, UsageTable const& a, UsageTable const& b,
             Values values) {
  Relabelling const exchange(groups.a.clusters, groups.b.clusters, {});
  auto const statistic = make(groups, exchange);
  std::vector<double> t(a.space.size());
  for (std::uint32_t r = 0; r < 20; ++r) {
    auto const labels = r == 0 ? exchange.observed() : exchange.relabelled(5, r);
    statistic->evaluate(labels, t);
    for (std::size_t e = 0; e < t.size(); ++e) {
      auto const expected = by_definition(a, b, exchange, labels, values, e);
      ASSERT_NEAR(t[e], expected, 1e-6 * std::max(1.0, std::abs(expected)))
          << "replicate " << r << " expert " << e;
    }
  }
}

TEST_P(StudentisedOf, IsWhatItsDefinitionSays) {
  auto const a = random_usage(1, GetParam().a, 5), b = random_usage(2, GetParam().b, 5);
  Comparison const groups{Group(a), Group(b)};
  compare(studentised, groups, a, b, &UsageTable::count);
  compare(studentised_mass, groups, a, b, &UsageTable::mass);
}

TEST_P(StudentisedOf, OfTheSameTokensLeavesOutWhatIsNotThere) {
  auto const a = random_usage(1, GetParam().a), b = random_usage(2, GetParam().b);
  // residuals of both signs; some rows are missing
  auto const some = [](UsageTable table, std::int64_t divisor) {
    for (std::size_t i = 0; i < table.count.size(); ++i) {
      auto const c = i / table.space.size();
      bool const missing = table.clusters[c] % divisor == 0;
      table.count[i] = missing ? 0 : (table.count[i] - 7) * 65536 / 3;
      if (missing) table.tokens[c] = 0;
    }
    return table;
  };
  auto const some_a = some(a, 3), some_b = some(b, 4);
  SameToken const same{{some_a.tokens, some_a.count}, {some_b.tokens, some_b.count}};
  compare(studentised_same_token, {Group(a), Group(b), &same}, some_a, some_b, &UsageTable::count);
}

TEST_P(StudentisedOf, ChangesSignWithTheGroupsAndFollowsTheExperts) {
  auto a = random_usage(1, GetParam().a), b = random_usage(2, GetParam().b);
  auto const t = observed_statistic(studentised, {Group(a), Group(b)});
  auto const back = observed_statistic(studentised, {Group(b), Group(a)});
  for (std::size_t e = 0; e < t.size(); ++e) EXPECT_EQ(t[e], -back[e]) << e;
  for (auto* table : {&a, &b})
    for (std::size_t c = 0; c < table->clusters.size(); ++c)
      std::swap(table->count[c * 16 + 3], table->count[c * 16 + 9]);
  auto const relabelled = observed_statistic(studentised, {Group(a), Group(b)});
  auto expected = t;
  std::swap(expected[3], expected[9]);
  EXPECT_EQ(relabelled, expected);
}

INSTANTIATE_TEST_SUITE_P(Groups, StudentisedOf,
                         testing::Values(Case{"apart", ids(0, 13), ids(50, 17)},
                                         Case{"pairs", ids(0, 15), ids(0, 15)},
                                         Case{"mixed", ids(0, 14), ids(9, 20)}),
                         [](auto const& row) { return row.param.name; });

TEST(Studentised, RowsDoNotDependOnEachOther) {
  auto const a = random_usage(1, ids(0, 30), 20), b = random_usage(2, ids(20, 30), 20);
  Relabelling const exchange(a, b, {});
  auto const statistic = studentised({Group(a), Group(b)}, exchange);
  std::vector<Label> labels;
  for (std::uint32_t r = 0; r < 300; ++r) {
    auto const row = exchange.relabelled(1, r);
    labels.insert(labels.end(), row.begin(), row.end());
  }
  std::vector<double> all(300 * 160), one(160);
  statistic->evaluate(labels, all);
  for (std::size_t r = 0; r < 300; r += 13) {
    statistic->evaluate(std::span(labels).subspan(r * 50, 50), one);
    EXPECT_EQ(one, std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(r * 160),
                                       all.begin() + static_cast<std::ptrdiff_t>((r + 1) * 160)));
  }
}

TEST(Studentised, WithoutVarianceIsZeroAndWithoutOverlapIsLargest) {
  auto a = random_usage(1, ids(0, 30), 1), b = random_usage(2, ids(100, 30), 1);
  for (std::size_t c = 0; c < 30; ++c) {
    a.tokens[c] = 3 * (a.tokens[c] / 3 + 1);
    b.tokens[c] = 3 * (b.tokens[c] / 3 + 1);
    a.count[c * 8] = b.count[c * 8] = 0;   // never
    a.count[c * 8 + 1] = a.tokens[c] / 3;  // a rate that binary does not have
    b.count[c * 8 + 1] = b.tokens[c] / 3;
    a.count[c * 8 + 2] = a.tokens[c];  // always against never
    b.count[c * 8 + 2] = 0;
  }
  auto const t = observed_statistic(studentised, {Group(a), Group(b)});
  EXPECT_EQ(t[0], 0);
  EXPECT_EQ(t[1], 0);
  for (std::size_t e = 3; e < 8; ++e) EXPECT_GT(t[2], std::abs(t[e]));
  // of twins that are the same
  auto const same = observed_statistic(studentised, {Group(a), Group(a)});
  for (auto const value : same) EXPECT_EQ(value, 0);
}

}  // namespace
}  // namespace moerae
