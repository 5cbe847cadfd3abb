#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reduce/contrast/comparison.hpp"
#include "reduce/contrast/contrast_statistic.hpp"

namespace moerae {

/// What a criterion says of two groups of prompts.
struct ContrastScore {
  std::vector<double> score;            ///< [L*K] above 0 = more used in `a`, never NaN
  std::vector<double> divergence = {};  ///< [L] nats, of criteria that divide a divergence of the layer
};
/// A pure function; the score changes its sign when the groups change places. ConfigError where the criterion
/// cannot compare them.
using ContrastFunction = ContrastScore (*)(Comparison const& groups);

/// A contrast criterion: a row of the table and one file in src/reduce/contrast.
struct ContrastCriterion {
  std::string_view name;
  std::string_view help;
  ContrastFunction score;
  ContrastTest const* test;  ///< what its significance is of; criteria that are no statistic: the studentised
                             ///< difference of what they are made of
  std::string_view positions = {};  ///< that the criterion is about; empty: contrast.positions
  bool same_token = false;          ///< needs Comparison::same_token: recorded routing and token ids
};

namespace contrast {

/// All of them.
[[nodiscard]] std::span<ContrastCriterion const> criteria();
/// Null when unknown.
[[nodiscard]] ContrastCriterion const* find(std::string_view name);

}  // namespace contrast
}  // namespace moerae
