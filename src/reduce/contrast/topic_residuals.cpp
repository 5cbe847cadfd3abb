#include "reduce/contrast/topic_residuals.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "moerae/base/check.hpp"

namespace moerae {

RegressionRows::RegressionRows(std::span<Unit const> units) {
  for (std::size_t u = 0; u < units.size(); ++u)
    if (!units[u].pair())
      rows.push_back({u, units[u].b >= 0, static_cast<std::size_t>(std::max(units[u].a, units[u].b))});
  singles = rows.size();
  for (std::size_t u = 0; u < units.size(); ++u)
    if (units[u].pair()) {
      rows.push_back({u, false, static_cast<std::size_t>(units[u].a)});
      rows.push_back({u, true, static_cast<std::size_t>(units[u].b)});
    }
}

TopicResiduals::TopicResiduals(UsageTable const& a, UsageTable const& b, RegressionRows const& rows)
    : singles_(rows.singles) {
  std::map<std::int32_t, std::size_t> index;
  std::vector<double> length;
  for (auto const& row : rows.rows) {
    auto const& table = row.b ? b : a;
    auto const [at, added] = index.emplace(table.topic[row.index], index.size());
    topic_of_.push_back(at->second);
    known_ |= at->first >= 0;
    length.push_back(std::log(static_cast<double>(std::max<std::int64_t>(1, table.length[row.index]))));
  }
  topics_.assign(index.size(), 0.0);
  for (auto const topic : topic_of_) topics_[topic] += 1;
  apply(length, 1);  // topics alone as yet
  for (auto const x : length) length_squares_ += x * x;
  if (length_squares_ > 1e-12 * static_cast<double>(length.size())) length_ = std::move(length);
}

void TopicResiduals::sum_by_topic(std::span<double const> values, std::size_t width,
                                  std::span<double> sums) const {
  std::ranges::fill(sums, 0.0);
  auto const add = [&](std::size_t row) {
    for (std::size_t j = 0; j < width; ++j) sums[topic_of_[row] * width + j] += values[row * width + j];
  };
  for (std::size_t row = 0; row < singles_; ++row) add(row);
  for (std::size_t row = singles_; row < topic_of_.size(); row += 2) {
    if (topic_of_[row] != topic_of_[row + 1]) {
      add(row);
      add(row + 1);
      continue;
    }
    for (std::size_t j = 0; j < width; ++j)
      sums[topic_of_[row] * width + j] += values[row * width + j] + values[(row + 1) * width + j];
  }
}

void TopicResiduals::apply(std::span<double> values, std::size_t width) const {
  auto const n = topic_of_.size();
  expect(values.size() == n * width, "{} values for {} rows of {}", values.size(), n, width);
  std::vector<double> mean(topics_.size() * width);
  sum_by_topic(values, width, mean);
  for (std::size_t topic = 0; topic < topics_.size(); ++topic)
    for (std::size_t j = 0; j < width; ++j) mean[topic * width + j] /= topics_[topic];
  for (std::size_t row = 0; row < n; ++row)
    for (std::size_t j = 0; j < width; ++j) values[row * width + j] -= mean[topic_of_[row] * width + j];
  if (length_.empty()) return;
  std::vector<double> slope(width, 0.0);
  for (std::size_t row = 0; row < singles_; ++row)
    for (std::size_t j = 0; j < width; ++j) slope[j] += length_[row] * values[row * width + j];
  for (std::size_t row = singles_; row < n; row += 2)
    for (std::size_t j = 0; j < width; ++j)
      slope[j] += length_[row] * values[row * width + j] + length_[row + 1] * values[(row + 1) * width + j];
  for (auto& s : slope) s /= length_squares_;
  for (std::size_t row = 0; row < n; ++row)
    for (std::size_t j = 0; j < width; ++j) values[row * width + j] -= slope[j] * length_[row];
}

}  // namespace moerae
