#include "reduce/contrast/group_sums.hpp"

#include <algorithm>

namespace moerae::detail {
namespace {

using Row = std::span<std::int64_t>;

void add(Row to, Row values, std::int64_t times) {
  for (std::size_t e = 0; e < to.size(); ++e) to[e] += times * values[e];
}

}  // namespace

GroupSums::GroupSums(UnitRows const& rows, Values const& values)
    : both_(rows.experts, 0),
      twins_(rows.experts, 0),
      moved_(rows.units(), rows.experts, [&](auto u, Row row) {
        std::vector<std::int64_t> twin(row.size());
        if (rows.as_is[u] != UnitRows::none) values(rows.as_is[u], row);
        if (rows.twin[u] == UnitRows::none) return;
        values(rows.twin[u], twin);
        add(row, twin, -1);
      }) {
  std::vector<std::int64_t> row(rows.experts);
  for (auto const* units : {&rows.as_is, &rows.twin})
    for (auto const side : *units) {
      if (side == UnitRows::none) continue;
      values(side, row);
      add(both_, row, 1);
      if (units == &rows.twin) add(twins_, row, 1);
    }
}

void GroupSums::operator()(PackedWeights const& labels, std::size_t first, std::size_t n,
                           std::vector<std::int64_t>& sums) const {
  sums.resize(labels.replicates() * n);
  integer_product(labels, moved_, first, n, sums);
  for (std::size_t r = 0; r < labels.replicates(); ++r)
    for (std::size_t e = 0; e < n; ++e) sums[r * n + e] += twins_[first + e];
}

}  // namespace moerae::detail
