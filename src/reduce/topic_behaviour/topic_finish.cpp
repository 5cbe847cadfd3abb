#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "reduce/topic_behaviour/topic_behaviour.hpp"

namespace moerae {
namespace {

constexpr double z = 1.959963984540054;  // 97.5 % of the normal distribution

double mean_of(std::vector<double> const& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Neither JS (ln 2) nor overlap (k) is below 0 or above its limit.
Estimate interval(double value, double error, double limit) {
  return {value, std::max(0.0, value - z * error), std::min(limit, value + z * error)};
}

/// Values of one layer, [L, n].
std::vector<double> of_layer(std::vector<double> const& values, std::size_t layer, std::size_t n) {
  auto const first = values.begin() + static_cast<std::ptrdiff_t>(layer * n);
  return {first, first + static_cast<std::ptrdiff_t>(n)};
}

/// Mean over layers of each column: [n].
std::vector<double> over_layers(std::vector<double> const& values, std::size_t n) {
  std::vector<double> out(n, 0.0);
  auto const layers = values.size() / n;
  for (std::size_t l = 0; l < layers; ++l)
    for (std::size_t i = 0; i < n; ++i) out[i] += values[l * n + i];
  for (auto& value : out) value /= static_cast<double>(layers);
  return out;
}

/// The two halves of the clusters are independent and half as large: the variance of a figure on all clusters
/// is a quarter of the mean square of their difference. What plug-in JS is biased by cancels in it.
double half_sample_error(std::vector<double> const& first, std::vector<double> const& second) {
  double squares = 0;
  for (std::size_t s = 0; s < first.size(); ++s) squares += (first[s] - second[s]) * (first[s] - second[s]);
  return std::sqrt(squares / static_cast<double>(first.size())) / 2;
}

double standard_error(std::vector<double> const& values) {
  auto const mean = mean_of(values);
  double squares = 0;
  for (auto const v : values) squares += (v - mean) * (v - mean);
  auto const n = static_cast<double>(values.size());
  return std::sqrt(squares / (n - 1) / n);
}

TopicFigures figures_of(PooledSeries const& series, std::size_t splits, double limit) {
  TopicFigures out;
  for (std::size_t l = 0; l < series.value.size(); ++l) {
    auto const error =
        half_sample_error(of_layer(series.first, l, splits), of_layer(series.second, l, splits));
    out.layer.push_back(interval(series.value[l], error, limit));
    out.equal.push_back(mean_of(of_layer(series.equal, l, splits)));
    out.floor.push_back(mean_of(of_layer(series.floor, l, splits)));
  }
  out.mean = interval(
      mean_of(series.value),
      half_sample_error(over_layers(series.first, splits), over_layers(series.second, splits)), limit);
  out.mean_equal = mean_of(out.equal);
  auto const floors = over_layers(series.floor, splits);
  out.mean_floor = {mean_of(out.floor), std::ranges::min(floors), std::ranges::max(floors)};
  return out;
}

TopicFigures figures_of(std::vector<double> const& values, std::size_t units, double limit) {
  TopicFigures out;
  for (std::size_t l = 0; l < values.size() / units; ++l) {
    auto const one = of_layer(values, l, units);
    out.layer.push_back(interval(mean_of(one), standard_error(one), limit));
    out.equal.push_back(mean_of(one));
  }
  auto const units_mean = over_layers(values, units);
  out.mean = interval(mean_of(units_mean), standard_error(units_mean), limit);
  out.mean_equal = out.mean.value;
  return out;
}

void set_floor(TopicFigures& figures, TopicFigures const& floor) {
  figures.floor = floor.equal;
  figures.mean_floor = floor.mean;
}

}  // namespace

TopicTable TopicBehaviour::finish() const {
  TopicTable table{top_k_, {}, design_.absent};
  auto const k = static_cast<double>(top_k_);
  for (std::size_t i = 0; i < pooled_.size(); ++i)
    table.rows.push_back({design_.pooled[i].facts,
                          figures_of(pooled_[i].js, design_.splits, std::numbers::ln2),
                          figures_of(pooled_[i].overlap, design_.splits, k)});
  auto const first_pairs = table.rows.size();
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    auto const units = design_.pairs[i].units.size();
    table.rows.push_back({design_.pairs[i].facts, figures_of(pairs_[i].js, units, std::numbers::ln2),
                          figures_of(pairs_[i].overlap, units, k)});
  }
  if (pairs_.empty() || design_.pairs.back().facts.name != "same_topic_pairs") return table;
  auto const floor = table.rows.back();
  for (auto i = first_pairs; i + 1 < table.rows.size(); ++i) {
    set_floor(table.rows[i].js, floor.js);
    set_floor(table.rows[i].overlap, floor.overlap);
  }
  return table;
}

}  // namespace moerae
