#include "reduce/contrast/studentised.hpp"

#include <algorithm>
#include <vector>

#include "moerae/base/check.hpp"
#include "reduce/contrast/group_sums.hpp"
#include "reduce/contrast/studentised_form.hpp"
#include "reduce/contrast/unit_residuals.hpp"

namespace moerae {
namespace {

using detail::UnitResiduals, detail::UnitRows;

class Studentised final : public Statistic {
 public:
  explicit Studentised(UnitRows const& rows) : Studentised(rows, UnitResiduals(rows)) {}

  void evaluate(std::span<Label const> labels, std::span<double> t) const override {
    PackedWeights const weights(labels, rows_.units());
    auto const replicates = weights.replicates(), experts = rows_.experts;
    expect(t.size() == replicates * experts, "studentised: {} values of {} labellings", t.size(), replicates);
    std::vector<std::int64_t> y, ss, n_a;
    for (std::size_t r = 0; r < replicates; ++r)
      n_a.push_back(rows_.tokens_of_a(labels.subspan(r * rows_.units(), rows_.units())));
    for (std::size_t first = 0; first < experts; first += detail::expert_block) {
      auto const n = std::min(detail::expert_block, experts - first);
      y_(weights, first, n, y);
      ss_(weights, first, n, ss);
      for (std::size_t r = 0; r < replicates; ++r)
        detail::studentised_form({&y[r * n], &ss[r * n], &y_.of_both()[first], &ss_.of_both()[first],
                                  &products_[first], &unit_[first], n_a[r], tokens_ - n_a[r], n},
                                 &t[r * experts + first]);
    }
  }

 private:
  Studentised(UnitRows const& rows, UnitResiduals const& residuals)
      : rows_(rows),
        y_(rows, [&](std::size_t side, std::span<std::int64_t> out) { residuals.usage(side, out); }),
        ss_(rows,
            [&](std::size_t side, std::span<std::int64_t> out) {
              auto const r = residuals.of(side);
              for (std::size_t e = 0; e < out.size(); ++e) out[e] = std::int64_t{r[e]} * r[e];
            }),
        products_(rows.experts, 0),
        unit_(residuals.units()) {
    for (auto const& side : rows.sides) tokens_ += side.tokens;
    for (std::size_t u = 0; u < rows.units(); ++u) {
      if (rows.as_is[u] == UnitRows::none || rows.twin[u] == UnitRows::none) continue;
      auto const r = residuals.of(rows.as_is[u]), twin = residuals.of(rows.twin[u]);
      for (std::size_t e = 0; e < rows.experts; ++e) products_[e] += std::int64_t{r[e]} * twin[e];
    }
  }

  UnitRows rows_;
  detail::GroupSums y_, ss_;
  std::vector<std::int64_t> products_;
  std::vector<double> unit_;
  std::int64_t tokens_ = 0;
};

std::unique_ptr<Statistic> make(Comparison const& groups, Relabelling const& exchange,
                                detail::Measure measure) {
  validate<ConfigError>(exchange.units().size() <= detail::most_units,
                        "sets {} and {} have {} clusters, and the exact sums of the studentised statistic "
                        "hold {}; compare fewer",
                        groups.a.clusters.name, groups.b.clusters.name, exchange.units().size(),
                        detail::most_units);
  return std::make_unique<Studentised>(UnitRows(groups, exchange, measure));
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
