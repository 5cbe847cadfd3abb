#include "reduce/contrast/unit_rows.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"

namespace moerae::detail {
namespace {

UsageTable const& table_of(Comparison const& groups, Measure measure, bool a) {
  if (measure != Measure::same_token) return a ? groups.a.clusters : groups.b.clusters;
  expect(groups.same_token != nullptr, "a statistic over the same tokens, of a comparison without them");
  return a ? groups.same_token->a : groups.same_token->b;
}

std::vector<std::int64_t> const& usage_of(UsageTable const& table, Measure measure) {
  return measure == Measure::mass ? table.mass : table.count;
}

/// Rows are looked up by cluster: a table over the same tokens lacks clusters that have none.
UnitSide side(UsageTable const& table, Measure measure, std::int64_t cluster) {
  auto const found = std::ranges::lower_bound(table.clusters, cluster);
  if (found == table.clusters.end() || *found != cluster) return {};
  auto const row = static_cast<std::size_t>(found - table.clusters.begin());
  if (table.tokens[row] == 0) return {};
  return {table.tokens[row], usage_of(table, measure).data() + row * table.space.size()};
}

}  // namespace

UnitRows::UnitRows(Comparison const& groups, Relabelling const& exchange, Measure measure)
    : experts_(table_of(groups, measure, true).space.size()) {
  auto const &a = table_of(groups, measure, true), &b = table_of(groups, measure, false);
  for (auto const* table : {&a, &b})
    expect(table->space.size() == experts_ &&
               usage_of(*table, measure).size() == table->clusters.size() * experts_,
           "set {}: no usage of {} clusters by {} experts", table->name, table->clusters.size(), experts_);
  for (auto const& unit : exchange.units()) {
    as_is_.push_back(side(unit.a >= 0 ? a : b, measure, unit.cluster));
    twin_.push_back(unit.pair() ? side(b, measure, unit.cluster) : UnitSide{});
  }
}

}  // namespace moerae::detail
