#include "reduce/contrast/studentised.hpp"

#include <algorithm>
#include <vector>

#include "moerae/base/check.hpp"
#include "reduce/contrast/studentised_form.hpp"
#include "reduce/contrast/unit_residuals.hpp"
#include "reduce/resampling/integer_product.hpp"

namespace moerae {
namespace {

using detail::UnitResiduals;

// What is worked on at once stays in the second-level cache.
constexpr std::size_t replicate_block = 256, expert_block = 4 * column_block;
/// Squares are taken of the upper 22 of a residual's 30 bits: three digits, and sums over `most_units`
/// clusters of both groups fit into 64 bits.
constexpr std::int64_t square_unit = 1 << 8;
constexpr std::size_t most_units = 250000;

std::int64_t coarse(std::int64_t r) {
  return (r < 0 ? r - square_unit / 2 : r + square_unit / 2) / square_unit;
}
std::int64_t square(std::int64_t r) {
  return coarse(r) * coarse(r);
}

bool has_pairs(UnitResiduals const& r) {
  for (std::size_t u = 0; u < r.units(); ++u)
    if (r.twin(u).from.tokens > 0) return true;
  return false;
}

/// Linear in the labels: sum over group a = sum over the twins + sum of label * (as it is - twin).
template <class Term>
PackedColumns columns_of(UnitResiduals const& r, Term term) {
  return {r.units(), r.experts(), [&](std::size_t u, std::span<std::int64_t> row) {
            for (std::size_t e = 0; e < row.size(); ++e) row[e] = term(r.as_is(u), e) - term(r.twin(u), e);
          }};
}

class Studentised final : public Statistic {
 public:
  explicit Studentised(UnitResiduals const& r)
      : paired_(has_pairs(r)),
        y_(columns_of(r, [&](auto const& side, std::size_t e) { return r.usage(side, e); })),
        ss_(columns_of(r, [&](auto const& side, std::size_t e) { return square(r.residual(side, e)); })),
        all_y_(r.experts(), 0),
        all_ss_(all_y_),
        twin_y_(all_y_),
        twin_ss_(all_y_),
        products_(all_y_) {
    for (std::size_t u = 0; u < r.units(); ++u) {
      auto const &as_is = r.as_is(u), &twin = r.twin(u);
      tokens_.push_back({as_is.from.tokens, twin.from.tokens});
      all_tokens_ += as_is.from.tokens + twin.from.tokens;
      for (std::size_t e = 0; e < r.experts(); ++e) {
        auto const s = coarse(r.residual(as_is, e)), z = coarse(r.residual(twin, e));
        twin_y_[e] += r.usage(twin, e);
        twin_ss_[e] += z * z;
        all_y_[e] += r.usage(as_is, e) + r.usage(twin, e);
        all_ss_[e] += s * s + z * z;
        products_[e] += s * z;
      }
    }
    for (std::size_t e = 0; e < r.experts(); ++e)
      unit_.push_back(r.residual_unit(e) * static_cast<double>(square_unit));
  }

  void evaluate(std::span<Label const> labels, std::span<double> t) const override {
    auto const units = tokens_.size(), experts = all_y_.size();
    auto const replicates = labels.size() / units;
    expect(labels.size() == replicates * units && t.size() == replicates * experts,
           "studentised: {} labels of {} units, {} values of {} experts", labels.size(), units, t.size(),
           experts);
    for (std::size_t first = 0; first < replicates; first += replicate_block) {
      auto const rows = std::min(replicate_block, replicates - first);
      evaluate_block(labels.subspan(first * units, rows * units), t.data() + first * experts);
    }
  }

 private:
  struct Tokens {
    std::int64_t as_is, twin;
  };

  [[nodiscard]] std::int64_t tokens_of_a(std::span<Label const> labels) const {
    std::int64_t n = 0;
    for (std::size_t u = 0; u < labels.size(); ++u) n += labels[u] != 0 ? tokens_[u].as_is : tokens_[u].twin;
    return n;
  }

  void evaluate_block(std::span<Label const> labels, double* t) const {
    auto const units = tokens_.size(), experts = all_y_.size();
    PackedWeights const weights(labels, units);
    std::vector<std::int64_t> y, ss, n_a;
    for (std::size_t i = 0; i < weights.replicates(); ++i)
      n_a.push_back(tokens_of_a(labels.subspan(i * units, units)));
    auto const sum = [&](PackedColumns const& columns, std::vector<std::int64_t> const& twins,
                         std::size_t first, std::size_t n, std::vector<std::int64_t>& sums) {
      sums.resize(weights.replicates() * n);
      integer_product(weights, columns, first, n, sums);
      for (std::size_t i = 0; paired_ && i < sums.size(); i += n)
        for (std::size_t e = 0; e < n; ++e) sums[i + e] += twins[first + e];
    };
    for (std::size_t first = 0; first < experts; first += expert_block) {
      auto const n = std::min(expert_block, experts - first);
      sum(y_, twin_y_, first, n, y);
      sum(ss_, twin_ss_, first, n, ss);
      for (std::size_t i = 0; i < weights.replicates(); ++i)
        detail::studentised_form({&y[i * n], &ss[i * n], &all_y_[first], &all_ss_[first], &products_[first],
                                  &unit_[first], n_a[i], all_tokens_ - n_a[i], n},
                                 t + i * experts + first);
    }
  }

  bool paired_;
  PackedColumns y_, ss_;
  std::vector<std::int64_t> all_y_, all_ss_, twin_y_, twin_ss_, products_;
  std::vector<double> unit_;
  std::vector<Tokens> tokens_;
  std::int64_t all_tokens_ = 0;
};

std::unique_ptr<Statistic> make(Comparison const& groups, Relabelling const& exchange,
                                detail::Measure measure) {
  validate<ConfigError>(exchange.units().size() <= most_units,
                        "sets {} and {} have {} clusters, and the exact sums of the studentised statistic "
                        "hold {}; compare fewer",
                        groups.a.clusters.name, groups.b.clusters.name, exchange.units().size(), most_units);
  return std::make_unique<Studentised>(UnitResiduals(detail::UnitRows(groups, exchange, measure)));
}

}  // namespace

std::unique_ptr<Statistic> studentised(Comparison const& groups, Relabelling const& exchange) {
  return make(groups, exchange, detail::Measure::count);
}
std::unique_ptr<Statistic> studentised_mass(Comparison const& groups, Relabelling const& exchange) {
  return make(groups, exchange, detail::Measure::mass);
}
std::unique_ptr<Statistic> studentised_same_token(Comparison const& groups, Relabelling const& exchange) {
  return make(groups, exchange, detail::Measure::same_token);
}

std::vector<double> observed_statistic(MakeStatistic make_statistic, Comparison const& groups) {
  Relabelling const exchange(groups.a.clusters, groups.b.clusters, {.topic = false, .length = false});
  std::vector<double> t(groups.a.clusters.space.size());
  make_statistic(groups, exchange)->evaluate(exchange.observed(), t);
  return t;
}

}  // namespace moerae
