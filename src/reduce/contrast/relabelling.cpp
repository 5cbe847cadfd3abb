#include "reduce/contrast/relabelling.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "moerae/base/draws.hpp"

namespace moerae {
namespace {

// The eighth in which each of the lengths lies: the number of the octiles (the values at ranks floor(j n /
// 8), j = 1..7) that are not above it. Equal lengths lie in the same eighth, some of which are empty then.
std::vector<std::int32_t> eighths(std::span<std::int64_t const> lengths) {
  std::vector<std::int64_t> sorted(lengths.begin(), lengths.end()), octiles;
  std::ranges::sort(sorted);
  for (std::size_t j = 1; j < 8 && !sorted.empty(); ++j) octiles.push_back(sorted[j * sorted.size() / 8]);
  std::vector<std::int32_t> eighth;
  eighth.reserve(lengths.size());
  for (auto const length : lengths)
    eighth.push_back(static_cast<std::int32_t>(std::ranges::upper_bound(octiles, length) - octiles.begin()));
  return eighth;
}

template <class T>
T of_unit(Unit const& unit, std::vector<T> const& in_a, std::vector<T> const& in_b) {
  return unit.a >= 0 ? in_a[static_cast<std::size_t>(unit.a)] : in_b[static_cast<std::size_t>(unit.b)];
}

}  // namespace

std::vector<Unit> units_of(UsageTable const& a, UsageTable const& b) {
  std::vector<Unit> units;
  std::size_t i = 0, j = 0;
  while (i < a.clusters.size() || j < b.clusters.size()) {
    bool const from_a = j == b.clusters.size() || (i < a.clusters.size() && a.clusters[i] <= b.clusters[j]);
    bool const from_b = i == a.clusters.size() || (j < b.clusters.size() && b.clusters[j] <= a.clusters[i]);
    Unit unit;
    unit.cluster = from_a ? a.clusters[i] : b.clusters[j];
    if (from_a) unit.a = static_cast<std::ptrdiff_t>(i++);
    if (from_b) unit.b = static_cast<std::ptrdiff_t>(j++);
    units.push_back(unit);
  }
  return units;
}

Relabelling::Relabelling(UsageTable const& a, UsageTable const& b, PermuteWithin within)
    : units_(units_of(a, b)) {
  std::vector<std::size_t> alone;  // clusters that are no pair
  std::vector<std::int64_t> lengths;
  for (std::size_t u = 0; u < units_.size(); ++u) {
    if (units_[u].pair()) continue;
    alone.push_back(u);
    lengths.push_back(of_unit(units_[u], a.length, b.length));
  }
  pairs_ = units_.size() - alone.size();
  auto const eighth = eighths(lengths);
  std::map<std::pair<std::int32_t, std::int32_t>, Stratum> strata;
  for (std::size_t i = 0; i < alone.size(); ++i) {
    auto const& unit = units_[alone[i]];
    auto& stratum =
        strata[{within.topic ? of_unit(unit, a.topic, b.topic) : 0, within.length ? eighth[i] : 0}];
    stratum.units.push_back(alone[i]);
    if (unit.a >= 0) ++stratum.in_a;
  }
  movable_ = pairs_;
  for (auto& [key, stratum] : strata) {
    for (auto const u : stratum.units) units_[u].stratum = static_cast<std::int32_t>(strata_.size());
    if (stratum.in_a > 0 && stratum.in_a < stratum.units.size()) movable_ += stratum.units.size();
    strata_.push_back(std::move(stratum));
  }
}

double Relabelling::smallest_p(std::int64_t permutations, bool pairs_only) const {
  double log_relabellings = static_cast<double>(pairs_) * std::log(2.0);
  for (auto const& stratum : strata_) {
    if (pairs_only) break;
    auto const n = static_cast<double>(stratum.units.size()), k = static_cast<double>(stratum.in_a);
    log_relabellings += std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
  }
  return std::max(1.0 / (static_cast<double>(permutations) + 1), std::exp(-log_relabellings));
}

std::vector<Label> Relabelling::observed() const {
  std::vector<Label> labels;
  labels.reserve(units_.size());
  for (auto const& unit : units_) labels.push_back(unit.a >= 0 ? 1 : 0);
  return labels;
}

std::vector<Label> Relabelling::relabelled(std::uint64_t seed, std::uint32_t replicate) const {
  auto const key = [&](std::size_t u) {
    return draw_key(seed, Draw::permutation, replicate, units_[u].cluster);
  };
  std::vector<Label> labels(units_.size(), 0);
  for (std::size_t u = 0; u < units_.size(); ++u)
    if (units_[u].pair()) labels[u] = static_cast<Label>(key(u) >> 63);
  std::vector<std::pair<std::uint64_t, std::size_t>> keys;
  for (auto const& stratum : strata_) {
    keys.clear();
    for (auto const u : stratum.units) keys.emplace_back(key(u), u);  // equal keys: by cluster id
    std::ranges::nth_element(keys, keys.begin() + static_cast<std::ptrdiff_t>(stratum.in_a));
    for (std::size_t i = 0; i < stratum.in_a; ++i) labels[keys[i].second] = 1;
  }
  return labels;
}

}  // namespace moerae
