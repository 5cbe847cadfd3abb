#include "reduce/contrast/within_topic.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "moerae/base/check.hpp"
#include "reduce/contrast/made_groups.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using test::made_groups;
using test::MadeCell;

ExpertSpace const space{{0, 1}, 9, 2};  // 18 experts: more than one block of 16

double wavy(MadeCell const& cell) {
  return .05 + .02 * static_cast<double>(cell.expert % 7) + .01 * cell.topic;
}

// Least squares by the normal equations: x [n][p], y [n].
std::vector<double> least_squares(std::vector<std::vector<double>> const& x, std::vector<double> const& y) {
  auto const p = x[0].size();
  std::vector<std::vector<double>> m(p, std::vector<double>(p + 1, 0.0));
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t r = 0; r < p; ++r) {
      for (std::size_t c = 0; c < p; ++c) m[r][c] += x[i][r] * x[i][c];
      m[r][p] += x[i][r] * y[i];
    }
  for (std::size_t k = 0; k < p; ++k) {
    auto pivot = k;
    for (auto r = k; r < p; ++r)
      if (std::abs(m[r][k]) > std::abs(m[pivot][k])) pivot = r;
    std::swap(m[k], m[pivot]);
    for (std::size_t r = 0; r < p; ++r) {
      if (r == k) continue;
      auto const f = m[r][k] / m[k][k];
      for (auto c = k; c <= p; ++c) m[r][c] -= f * m[k][c];
    }
  }
  std::vector<double> beta(p);
  for (std::size_t k = 0; k < p; ++k) beta[k] = m[k][p] / m[k][k];
  return beta;
}

struct Regression {
  std::vector<std::vector<double>> nuisance;  // topics and log length
  std::vector<double> group, rate;
  std::vector<std::int64_t> cluster;
};

Regression regression(Comparison const& groups, Relabelling const& exchange, std::vector<Label> const& labels,
                      std::size_t expert, int topics) {
  Regression out;
  for (std::size_t u = 0; u < labels.size(); ++u) {
    auto const& unit = exchange.units()[u];
    for (bool const b : {false, true}) {
      auto const row = b ? unit.b : unit.a;
      if (row < 0) continue;
      auto const i = static_cast<std::size_t>(row);
      auto const& table = b ? groups.b.clusters : groups.a.clusters;
      out.nuisance.emplace_back(static_cast<std::size_t>(topics) + 1, 0.0);
      out.nuisance.back()[static_cast<std::size_t>(table.topic[i])] = 1;
      out.nuisance.back().back() = std::log(static_cast<double>(table.length[i]));
      bool const in_a = unit.pair() ? (labels[u] != 0) != b : labels[u] != 0;
      out.group.push_back(in_a ? 1 : 0);
      out.rate.push_back(static_cast<double>(table.count[i * space.size() + expert]) /
                         static_cast<double>(table.tokens[i]));
      out.cluster.push_back(unit.cluster);
    }
  }
  return out;
}

std::vector<double> residual(std::vector<std::vector<double>> const& x, std::vector<double> y) {
  auto const beta = least_squares(x, y);
  for (std::size_t i = 0; i < y.size(); ++i)
    for (std::size_t k = 0; k < beta.size(); ++k) y[i] -= beta[k] * x[i][k];
  return y;
}

// sum_c u_c / sqrt(sum_c u_c^2) of what least squares leaves of group and rate
double brute_force(Regression const& r) {
  auto const g = residual(r.nuisance, r.group), y = residual(r.nuisance, r.rate);
  std::map<std::int64_t, double> u;
  for (std::size_t i = 0; i < g.size(); ++i) u[r.cluster[i]] += g[i] * y[i];
  double sum = 0, squares = 0;
  for (auto const& [cluster, x] : u) {
    sum += x;
    squares += x * x;
  }
  return sum / std::sqrt(squares);
}

TEST(WithinTopic, IsTheGroupInTheLeastSquaresOnTopicAndLogLength) {
  auto const made = made_groups(space, {}, wavy);
  auto const groups = made.compare();
  Relabelling const exchange(made.a, made.b, {.topic = true, .length = false});
  auto const statistic = within_topic(groups, exchange);
  std::vector<Label> labels = exchange.observed();
  for (std::uint32_t r = 0; r < 5; ++r) {
    auto const drawn = exchange.relabelled(7, r);
    labels.insert(labels.end(), drawn.begin(), drawn.end());
  }
  auto const units = exchange.units().size();
  std::vector<double> t(6 * space.size()), alone(space.size());
  statistic->evaluate(labels, t);
  for (std::size_t b = 0; b < 6; ++b) {
    std::vector<Label> const one(labels.begin() + static_cast<std::ptrdiff_t>(b * units),
                                 labels.begin() + static_cast<std::ptrdiff_t>((b + 1) * units));
    statistic->evaluate(one, alone);
    for (std::size_t e = 0; e < space.size(); ++e) {
      EXPECT_EQ(t[b * space.size() + e], alone[e]);  // whatever stands beside it
      EXPECT_NEAR(alone[e], brute_force(regression(groups, exchange, one, e, 3)), 1e-9);
    }
  }
}

TEST(WithinTopic, TheSumOverItsSquaresIsTheCoefficientOfTheGroup) {
  // checks the test's own brute force: Frisch-Waugh-Lovell against the whole regression
  auto const made = made_groups(space, {}, wavy);
  auto const groups = made.compare();
  Relabelling const exchange(made.a, made.b, {});
  auto r = regression(groups, exchange, exchange.observed(), 4, 3);
  auto const g = residual(r.nuisance, r.group), y = residual(r.nuisance, r.rate);
  double gy = 0, gg = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    gy += g[i] * y[i];
    gg += g[i] * g[i];
    r.nuisance[i].push_back(r.group[i]);
  }
  EXPECT_NEAR(gy / gg, least_squares(r.nuisance, r.rate).back(), 1e-12);
}

std::vector<double> observed(Comparison const& groups) {
  Relabelling const exchange(groups.a.clusters, groups.b.clusters, {});
  std::vector<double> t(groups.a.clusters.space.size());
  within_topic(groups, exchange)->evaluate(exchange.observed(), t);
  return t;
}

TEST(WithinTopic, ConstantRatesAreNoVarianceAndPerfectOnesTheLargest) {
  auto made = made_groups(space, {}, wavy);
  auto const set = [&](UsageTable& table, std::size_t expert, std::int64_t in_ten) {
    for (std::size_t c = 0; c < table.clusters.size(); ++c) {
      table.tokens[c] = 10 * (3 + static_cast<std::int64_t>(c) % 4);
      table.count[c * space.size() + expert] = table.tokens[c] / 10 * in_ten;
    }
  };
  for (auto* table : {&made.a, &made.b}) {
    set(*table, 0, 0);
    set(*table, 1, 10);
    set(*table, 2, 3);  // 0.3 has no exact mean
  }
  set(made.a, 3, 10);
  set(made.b, 3, 0);
  auto const t = observed(made.compare());
  EXPECT_EQ(t[0], 0);
  EXPECT_EQ(t[1], 0);
  EXPECT_EQ(t[2], 0);
  EXPECT_EQ(std::ranges::max_element(t) - t.begin(), 3);
  EXPECT_GT(t[3], 4);
}

TEST(WithinTopic, RefusesWhatItCannotTellApart) {
  auto const refused = [](auto const& change, test::MadeGroupsOptions options = {}) {
    auto made = made_groups(space, options, wavy);
    change(made);
    return test::message_of<ConfigError>([&] { (void)observed(made.compare()); });
  };
  auto const topics = [](std::int32_t in_a, std::int32_t in_b) {
    return [=](test::MadeGroups& made) {
      std::ranges::fill(made.a.topic, in_a);
      std::ranges::fill(made.b.topic, in_b);
    };
  };
  EXPECT_THAT(refused(topics(-1, -1)), testing::HasSubstr("no cluster has a topic"));
  EXPECT_THAT(refused(topics(1, 2)), testing::HasSubstr("choose groups that share topics"));
  auto const lengths = [](test::MadeGroups& made) {  // every b prompt is twice as long as every a prompt
    std::ranges::fill(made.a.length, 10);
    std::ranges::fill(made.b.length, 20);
  };
  EXPECT_THAT(refused(lengths), testing::HasSubstr("their lengths are apart"));
  EXPECT_THAT(refused([](test::MadeGroups&) {}, {.pairs = 0, .alone = 1, .topics = 1}),
              testing::HasSubstr("leave no variance"));
}

}  // namespace
}  // namespace moerae
