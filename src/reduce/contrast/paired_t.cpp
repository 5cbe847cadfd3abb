#include "reduce/contrast/paired_t.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "reduce/contrast/group_sums.hpp"

namespace moerae {
namespace {

__extension__ using Wide = __int128;
using detail::UnitRows;

constexpr std::int64_t fewest_pairs = 10;
constexpr double rate_unit = 0x1p-30;

void rates(detail::UnitSide const& side, std::span<std::int64_t> out) {
  for (std::size_t e = 0; e < out.size(); ++e)
    out[e] = std::llround(static_cast<double>(side.usage[e]) / static_cast<double>(side.tokens) / rate_unit);
}

class PairedT final : public Statistic {
 public:
  explicit PairedT(UnitRows const& pairs)
      : units_(pairs.units()),
        rates_(pairs, [&](std::size_t side, std::span<std::int64_t> out) { rates(pairs.sides[side], out); }) {
    std::vector<std::int64_t> x(pairs.experts), y(pairs.experts);
    std::vector<Wide> squares(pairs.experts, 0);
    for (std::size_t u = 0; u < units_; ++u) {
      if (pairs.twin[u] == UnitRows::none) continue;
      rates(pairs.sides[pairs.as_is[u]], x);
      rates(pairs.sides[pairs.twin[u]], y);
      for (std::size_t e = 0; e < x.size(); ++e) squares[e] += static_cast<Wide>(x[e] - y[e]) * (x[e] - y[e]);
    }
    for (auto const square : squares) root_.push_back(std::sqrt(static_cast<double>(square)));
  }

  void evaluate(std::span<Label const> labels, std::span<double> t) const override {
    PackedWeights const weights(labels, units_);
    auto const experts = root_.size(), replicates = weights.replicates();
    expect(t.size() == replicates * experts, "paired_t: {} values of {} labellings", t.size(), replicates);
    std::vector<std::int64_t> of_a;
    for (std::size_t first = 0; first < experts; first += detail::expert_block) {
      auto const n = std::min(detail::expert_block, experts - first);
      rates_(weights, first, n, of_a);
      for (std::size_t r = 0; r < replicates; ++r)
        for (std::size_t i = 0; i < n; ++i) {
          auto const e = first + i;
          auto const sum = static_cast<double>(2 * of_a[r * n + i] - rates_.of_both()[e]);  // of d
          t[r * experts + e] = root_[e] > 0 ? sum / root_[e] : 0;
        }
    }
  }

 private:
  std::size_t units_;
  detail::GroupSums rates_;   // in rate_unit
  std::vector<double> root_;  // of the sum of d^2, which no label changes
};

}  // namespace

std::string paired_t_obstacle(UsageTable const& a, UsageTable const& b) {
  auto const pairs = std::ranges::count_if(units_of(a, b), [&](Unit const& unit) {
    return unit.pair() && a.tokens[static_cast<std::size_t>(unit.a)] > 0 &&
           b.tokens[static_cast<std::size_t>(unit.b)] > 0;
  });
  if (pairs >= fewest_pairs) return {};
  return fmt::format(
      "paired_t: sets {} and {} have tokens of {} common clusters, and a standard error from fewer than {} "
      "says nothing; compare sets whose prompts are twins (same cluster), or use criterion studentised",
      a.name, b.name, pairs, fewest_pairs);
}

std::unique_ptr<Statistic> paired_t(Comparison const& groups, Relabelling const& exchange) {
  auto const why = paired_t_obstacle(groups.a.clusters, groups.b.clusters);
  validate<ConfigError>(why.empty(), "{}", why);
  UnitRows rows(groups, exchange, detail::Measure::count);
  rows.keep_pairs();
  return std::make_unique<PairedT>(rows);
}

}  // namespace moerae
