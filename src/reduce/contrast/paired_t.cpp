#include "reduce/contrast/paired_t.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "reduce/contrast/unit_rows.hpp"
#include "reduce/resampling/integer_product.hpp"

namespace moerae {
namespace {

__extension__ using Wide = __int128;

constexpr std::size_t fewest_pairs = 10;
constexpr double rate_unit = 0x1p-30;
constexpr std::size_t replicate_block = 256, expert_block = 4 * column_block;

/// d of every pair with tokens on both sides, in `rate_unit`.
class Differences {
 public:
  Differences(Comparison const& groups, Relabelling const& exchange)
      : usage_(groups, exchange, detail::Measure::count) {
    for (std::size_t u = 0; u < usage_.units(); ++u)
      if (usage_.as_is(u).tokens > 0 && usage_.twin(u).tokens > 0) pairs_.push_back(u);
    auto const why = paired_t_obstacle(groups.a.clusters, groups.b.clusters);
    validate<ConfigError>(why.empty(), "{}", why);
  }
  [[nodiscard]] std::span<std::size_t const> pairs() const { return pairs_; }
  [[nodiscard]] std::size_t experts() const { return usage_.experts(); }
  void row(std::size_t pair, std::span<std::int64_t> out) const {
    auto const &x = usage_.as_is(pairs_[pair]), &y = usage_.twin(pairs_[pair]);
    for (std::size_t e = 0; e < out.size(); ++e)
      out[e] = std::llround(static_cast<double>(x.usage[e]) / static_cast<double>(x.tokens) / rate_unit) -
               std::llround(static_cast<double>(y.usage[e]) / static_cast<double>(y.tokens) / rate_unit);
  }

 private:
  detail::UnitRows usage_;
  std::vector<std::size_t> pairs_;
};

class PairedT final : public Statistic {
 public:
  PairedT(Differences const& d, std::size_t units)
      : units_(units),
        pairs_(d.pairs().begin(), d.pairs().end()),
        columns_(d.pairs().size(), d.experts(),
                 [&](std::size_t pair, std::span<std::int64_t> row) { d.row(pair, row); }),
        sum_(d.experts(), 0),
        root_(d.experts(), 0) {
    std::vector<std::int64_t> row(d.experts());
    std::vector<Wide> squares(d.experts(), 0);
    for (std::size_t pair = 0; pair < pairs_.size(); ++pair) {
      d.row(pair, row);
      for (std::size_t e = 0; e < row.size(); ++e) {
        sum_[e] += row[e];
        squares[e] += static_cast<Wide>(row[e]) * row[e];
      }
    }
    std::ranges::transform(squares, root_.begin(),
                           [](Wide square) { return std::sqrt(static_cast<double>(square)); });
  }

  void evaluate(std::span<Label const> labels, std::span<double> t) const override {
    auto const replicates = labels.size() / units_;
    expect(labels.size() == replicates * units_ && t.size() == replicates * sum_.size(),
           "paired_t: {} labels of {} units, {} values of {} experts", labels.size(), units_, t.size(),
           sum_.size());
    std::vector<Label> signs;
    std::vector<std::int64_t> sums;
    for (std::size_t r = 0; r < replicates; r += replicate_block) {
      auto const rows = std::min(replicate_block, replicates - r);
      signs.clear();
      for (std::size_t i = 0; i < rows; ++i)
        for (auto const u : pairs_) signs.push_back(labels[(r + i) * units_ + u]);
      PackedWeights const weights(signs, pairs_.size());
      for (std::size_t first = 0; first < sum_.size(); first += expert_block) {
        auto const n = std::min(expert_block, sum_.size() - first);
        sums.resize(rows * n);
        integer_product(weights, columns_, first, n, sums);
        for (std::size_t i = 0; i < rows; ++i)
          for (std::size_t e = 0; e < n; ++e)
            t[(r + i) * sum_.size() + first + e] =
                root_[first + e] > 0
                    ? static_cast<double>(2 * sums[i * n + e] - sum_[first + e]) / root_[first + e]
                    : 0;
      }
    }
  }

 private:
  std::size_t units_;
  std::vector<std::size_t> pairs_;
  PackedColumns columns_;
  std::vector<std::int64_t> sum_;
  std::vector<double> root_;  ///< of the sum of squares, which no sign changes
};

}  // namespace

std::string paired_t_obstacle(UsageTable const& a, UsageTable const& b) {
  std::size_t pairs = 0;
  for (std::size_t i = 0, j = 0; i < a.clusters.size() && j < b.clusters.size();) {
    bool const pair = a.clusters[i] == b.clusters[j];
    if (pair && a.tokens[i] > 0 && b.tokens[j] > 0) ++pairs;
    bool const ahead = a.clusters[i] < b.clusters[j];
    i += pair || ahead ? 1 : 0;
    j += pair || !ahead ? 1 : 0;
  }
  if (pairs >= fewest_pairs) return {};
  return fmt::format(
      "paired_t: sets {} and {} have tokens of {} common clusters, and a standard error from fewer than {} "
      "says nothing; compare sets whose prompts are twins (same cluster), or use criterion studentised",
      a.name, b.name, pairs, fewest_pairs);
}

std::unique_ptr<Statistic> paired_t(Comparison const& groups, Relabelling const& exchange) {
  return std::make_unique<PairedT>(Differences(groups, exchange), exchange.units().size());
}

}  // namespace moerae
