#include "reduce/contrast/unit_rows.hpp"

#include "moerae/base/check.hpp"

namespace moerae::detail {
namespace {

struct Columns {
  std::vector<std::int64_t> const &tokens, &usage;
};

Columns columns_of(UsageTable const& table, SameToken::Rows const* same, Measure measure) {
  if (measure != Measure::same_token)
    return {table.tokens, measure == Measure::mass ? table.mass : table.count};
  expect(same != nullptr, "a statistic over the same tokens, of a comparison without them");
  return {same->tokens, same->sum};
}

}  // namespace

UnitRows::UnitRows(Comparison const& groups, Relabelling const& exchange, Measure measure)
    : experts(groups.a.clusters.space.size()) {
  auto const* const same = groups.same_token;
  auto const a = columns_of(groups.a.clusters, same ? &same->a : nullptr, measure);
  auto const b = columns_of(groups.b.clusters, same ? &same->b : nullptr, measure);
  for (auto const& [tokens, usage] : {a, b})
    expect(usage.size() == tokens.size() * experts, "no usage of {} clusters by {} experts", tokens.size(),
           experts);
  auto const take = [&](Columns const& from, std::ptrdiff_t at) {
    auto const row = static_cast<std::size_t>(at);
    if (at < 0 || from.tokens[row] == 0) return none;
    sides.push_back({from.tokens[row], from.usage.data() + row * experts});
    return sides.size() - 1;
  };
  for (auto const& unit : exchange.units()) {
    as_is.push_back(unit.a >= 0 ? take(a, unit.a) : take(b, unit.b));
    twin.push_back(unit.pair() ? take(b, unit.b) : none);
  }
}

void UnitRows::keep_pairs() {
  for (std::size_t u = 0; u < units(); ++u)
    if (as_is[u] == none || twin[u] == none) as_is[u] = twin[u] = none;
}

std::int64_t UnitRows::tokens_of_a(std::span<Label const> labels) const {
  std::int64_t n = 0;
  for (std::size_t u = 0; u < labels.size(); ++u) n += tokens(labels[u] != 0 ? as_is[u] : twin[u]);
  return n;
}

}  // namespace moerae::detail
