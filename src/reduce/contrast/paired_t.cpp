#include "reduce/contrast/paired_t.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/reduce/resampling/integer_product.hpp"
#include "reduce/contrast/unit_rows.hpp"

namespace moerae {
namespace {

__extension__ using Wide = __int128;

constexpr std::size_t fewest_pairs = 10;
constexpr double rate_unit = 0x1p-30;
constexpr std::size_t replicate_block = 256, expert_block = 4 * column_block;

/// d of every pair with tokens on both sides, in `rate_unit`; `usage_unit` is that of the counts.
class Differences {
 public:
  Differences(Comparison const& groups, Relabelling const& exchange, detail::Measure measure,
              double usage_unit)
      : usage_(groups, exchange, measure), scale_(usage_unit / rate_unit) {
    for (std::size_t u = 0; u < usage_.units(); ++u)
      if (usage_.as_is(u).tokens > 0 && usage_.twin(u).tokens > 0) pairs_.push_back(u);
    validate<ConfigError>(
        pairs_.size() >= fewest_pairs,
        "paired_t: sets {} and {} have tokens of {} common clusters, and a standard error from fewer than {} "
        "says nothing; compare sets whose prompts are twins (same cluster), or use criterion studentised",
        groups.a.clusters.name, groups.b.clusters.name, pairs_.size(), fewest_pairs);
  }
  [[nodiscard]] std::span<std::size_t const> pairs() const { return pairs_; }
  [[nodiscard]] std::size_t experts() const { return usage_.experts(); }
  void row(std::size_t pair, std::span<std::int64_t> out) const {
    auto const &x = usage_.as_is(pairs_[pair]), &y = usage_.twin(pairs_[pair]);
    for (std::size_t e = 0; e < out.size(); ++e)
      out[e] = std::llround(scale_ * (static_cast<double>(x.usage[e]) / static_cast<double>(x.tokens))) -
               std::llround(scale_ * (static_cast<double>(y.usage[e]) / static_cast<double>(y.tokens)));
  }

 private:
  detail::UnitRows usage_;
  double scale_;
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

  void evaluate(std::span<std::uint8_t const> labels, std::span<double> t) const override {
    auto const replicates = labels.size() / units_;
    expect(labels.size() == replicates * units_ && t.size() == replicates * sum_.size(),
           "paired_t: {} labels of {} units, {} values of {} experts", labels.size(), units_, t.size(),
           sum_.size());
    std::vector<std::uint8_t> signs;
    std::vector<std::int64_t> sums;
    for (std::size_t r = 0; r < replicates; r += replicate_block) {
      auto const rows = std::min(replicate_block, replicates - r);
      signs.clear();
      for (std::size_t i = 0; i < rows; ++i)
        for (auto const u : pairs_) signs.push_back(labels[(r + i) * units_ + u]);
      PackedWeights const weights(std::span<std::uint8_t const>(signs), pairs_.size());
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

std::unique_ptr<Statistic> make(Comparison const& groups, Relabelling const& exchange,
                                detail::Measure measure, double unit) {
  return std::make_unique<PairedT>(Differences(groups, exchange, measure, unit), exchange.units().size());
}

}  // namespace

std::unique_ptr<Statistic> paired_t(Comparison const& groups, Relabelling const& exchange) {
  return make(groups, exchange, detail::Measure::count, 1);
}
std::unique_ptr<Statistic> paired_t_same_token(Comparison const& groups, Relabelling const& exchange) {
  return make(groups, exchange, detail::Measure::same_token, same_token_unit);
}

}  // namespace moerae
