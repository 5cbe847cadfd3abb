#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reduce/contrast/comparison.hpp"
#include "reduce/contrast/relabelling.hpp"

namespace moerae {

/// Rows of a regression: usage of one cluster by one group. First those of units with one side, then those
/// of pairs, two each (a, b); within both, units in the order of Relabelling.
struct RegressionRows {
  struct Row {
    std::size_t unit = 0;
    bool b = false;         ///< side
    std::size_t index = 0;  ///< row in the table of that side
  };
  std::vector<Row> rows;  ///< [N]
  std::size_t singles = 0;
  [[nodiscard]] std::size_t units() const { return singles + (rows.size() - singles) / 2; }

  RegressionRows(std::span<Unit const> units);
};

/// What is left of a variable after least squares on topic fixed effects and log length: both are the same
/// under every relabelling, so that by Frisch-Waugh-Lovell they are partialled out of rates and groups once.
class TopicResiduals {
 public:
  TopicResiduals(UsageTable const& a, UsageTable const& b, RegressionRows const& rows);

  /// In place, `values` [N, width]. Linear, and bit for bit odd: the residuals of -x are those of x, negated.
  void apply(std::span<double> values, std::size_t width) const;
  /// Parameters that it takes: topics, and one where length varies within topics.
  [[nodiscard]] std::size_t parameters() const { return topics_.size() + (length_.empty() ? 0 : 1); }
  [[nodiscard]] bool knows_topics() const { return known_; }

 private:
  // Sum over rows of weight * value, sides of a pair together: the same when a and b change places.
  void sum_by_topic(std::span<double const> values, std::size_t width, std::span<double> sums) const;

  std::size_t singles_ = 0;
  std::vector<std::size_t> topic_of_;  // [N] index into topics_
  std::vector<double> topics_;         // [topics] rows
  std::vector<double> length_;         // [N] log length less its mean in the topic; empty: does not vary
  double length_squares_ = 0;
  bool known_ = false;
};

}  // namespace moerae
