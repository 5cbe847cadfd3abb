#include "reduce/contrast/within_topic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "moerae/base/check.hpp"
#include "reduce/contrast/topic_residuals.hpp"

namespace moerae {
namespace {

constexpr std::size_t width = 16;   // experts at once
constexpr double rounding = 1e-20;  // relative size of squares that are not told from 0
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Sums {
  std::array<double, width> u{}, uu{};  // over clusters, of u = sum of g y, and of its squares
};

// Lanes are different experts and every sum runs over the rows in their order: no clone changes a bit.
using Lanes = double __attribute__((vector_size(4 * sizeof(double))));
using LanesAt = double __attribute__((vector_size(4 * sizeof(double)), aligned(8), may_alias));
constexpr std::size_t lanes = 4, parts = width / lanes;

#if defined(__x86_64__)
[[gnu::target_clones("avx2", "default")]]
#endif
void accumulate(double const* y, double const* g, std::size_t singles, std::size_t rows, Sums& out) {
  Lanes u[parts] = {}, uu[parts] = {};
  for (std::size_t i = 0; i < singles; ++i) {
    auto const* const y_at = reinterpret_cast<LanesAt const*>(y + i * width);
    for (std::size_t j = 0; j < parts; ++j) {
      Lanes const x = g[i] * y_at[j];
      u[j] += x;
      uu[j] += x * x;
    }
  }
  for (std::size_t i = singles; i < rows; i += 2) {
    auto const* const y_at = reinterpret_cast<LanesAt const*>(y + i * width);
    for (std::size_t j = 0; j < parts; ++j) {
      Lanes const x = g[i] * y_at[j] + g[i + 1] * y_at[j + parts];
      u[j] += x;
      uu[j] += x * x;
    }
  }
  std::memcpy(out.u.data(), u, sizeof u);
  std::memcpy(out.uu.data(), uu, sizeof uu);
}

double sum_of_squares(std::span<double const> g) {
  double sum = 0;
  for (auto const x : g) sum += x * x;
  return sum;
}

bool identified(std::span<double const> g) {
  return sum_of_squares(g) > 1e-9 * static_cast<double>(g.size());
}

// What is left of the group, [N]: 1/2 in a, -1/2 in b.
std::vector<double> group_of(RegressionRows const& rows, TopicResiduals const& residuals,
                             std::span<Label const> labels) {
  std::vector<double> g;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    auto const& row = rows.rows[i];
    // the b side of a pair goes where its a side is not; a label of 1 puts any other cluster into a
    bool const in_a = (labels[row.unit] != 0) != (i >= rows.singles && row.b);
    g.push_back(in_a ? .5 : -.5);
  }
  residuals.apply(g, 1);
  return g;
}

std::string obstacle_of(UsageTable const& a, UsageTable const& b, RegressionRows const& rows,
                        TopicResiduals const& residuals, std::span<Label const> observed) {
  auto const parameters = residuals.parameters() + 1;
  if (!residuals.knows_topics())
    return fmt::format(
        "within_topic of {}:{}: no cluster has a topic; give the corpus topics or leave within_topic out of "
        "contrast.criteria",
        a.name, b.name);
  if (rows.rows.size() <= parameters || rows.units() < 2)
    return fmt::format(
        "within_topic of {}:{}: {} rates of {} clusters for {} parameters (topics, length, group) leave no "
        "variance to test against; use more clusters or fewer topics",
        a.name, b.name, rows.rows.size(), rows.units(), parameters);
  if (!identified(group_of(rows, residuals, observed)))
    return fmt::format(
        "within_topic of {}:{}: topic and length tell which group a cluster is in (no topic holds both "
        "groups, or their lengths are apart), so that nothing is left to compare; choose groups that share "
        "topics",
        a.name, b.name);
  return {};
}

class WithinTopic final : public Statistic {
 public:
  WithinTopic(Comparison const& groups, Relabelling const& exchange)
      : units_(exchange.units().size()),
        experts_(groups.a.clusters.space.size()),
        rows_(exchange.units()),
        residuals_(groups.a.clusters, groups.b.clusters, rows_) {
    auto const why =
        obstacle_of(groups.a.clusters, groups.b.clusters, rows_, residuals_, exchange.observed());
    validate<ConfigError>(why.empty(), "{}", why);
    take_rates(groups);
  }

  void evaluate(std::span<Label const> labels, std::span<double> t) const override {
    auto const replicates = labels.size() / units_;
    expect(labels.size() == replicates * units_ && t.size() == replicates * experts_,
           "within_topic: {} labels, {} values", labels.size(), t.size());
    auto const n = rows_.rows.size();
    std::vector<double> g;  // [B, N]
    for (std::size_t r = 0; r < replicates; ++r) {
      auto const residual = group_of(rows_, residuals_, labels.subspan(r * units_, units_));
      g.insert(g.end(), residual.begin(), residual.end());
    }
    std::vector<double> least(replicates);  // of the sum of squares, in units of the rates' ones
    for (std::size_t r = 0; r < replicates; ++r) {
      auto const row = std::span(g).subspan(r * n, n);
      least[r] = identified(row) ? rounding * sum_of_squares(row) : infinity;
    }
    Sums sums;
    for (std::size_t first = 0; first < experts_; first += width)
      for (std::size_t r = 0; r < replicates; ++r) {
        accumulate(rates_.data() + first * n, g.data() + r * n, rows_.singles, n, sums);
        for (std::size_t j = 0; j < std::min(width, experts_ - first); ++j) {
          bool const varies = sums.uu[j] > least[r] * squares_[first + j];
          t[r * experts_ + first + j] = varies ? sums.u[j] / std::sqrt(sums.uu[j]) : 0;
        }
      }
  }

 private:
  void take_rates(Comparison const& groups) {
    auto const n = rows_.rows.size();
    rates_.assign((experts_ + width - 1) / width * width * n, 0.0);
    for (std::size_t first = 0; first < experts_; first += width) {
      auto const block = std::span(rates_).subspan(first * n, width * n);
      auto const experts = std::min(width, experts_ - first);
      std::array<double, width> before{}, after{};
      for (std::size_t i = 0; i < n; ++i) {
        auto const& row = rows_.rows[i];
        auto const& table = row.b ? groups.b.clusters : groups.a.clusters;
        for (std::size_t j = 0; j < experts; ++j) {
          auto const count = static_cast<double>(table.count[row.index * experts_ + first + j]);
          auto const rate = block[i * width + j] = count / static_cast<double>(table.tokens[row.index]);
          before[j] += rate * rate;
        }
      }
      residuals_.apply(block, width);
      for (std::size_t i = 0; i < n * width; ++i) after[i % width] += block[i] * block[i];
      for (std::size_t j = 0; j < experts; ++j)  // what topics and length explain but for rounding varies not
        squares_.push_back(after[j] > rounding * before[j] ? after[j] : infinity);
    }
  }

  std::size_t units_, experts_;
  RegressionRows rows_;
  TopicResiduals residuals_;
  std::vector<double> rates_;    // [blocks of experts, N, width] what is left of the rates
  std::vector<double> squares_;  // [L*K] their sums of squares; infinite where nothing varies
};

}  // namespace

std::string within_topic_obstacle(UsageTable const& a, UsageTable const& b) {
  Relabelling const exchange(a, b, {});
  RegressionRows const rows(exchange.units());
  return obstacle_of(a, b, rows, {a, b, rows}, exchange.observed());
}

std::unique_ptr<Statistic> within_topic(Comparison const& groups, Relabelling const& exchange) {
  return std::make_unique<WithinTopic>(groups, exchange);
}

}  // namespace moerae
