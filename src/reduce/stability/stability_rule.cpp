#include <algorithm>

#include "moerae/base/check.hpp"
#include "reduce/bounds/stability_bound.hpp"
#include "reduce/stability/stability.hpp"

namespace moerae {

StabilityRule stability_rule(SesOptions const& options) {
  StabilityRule rule;
  rule.resampling = options.resample;
  rule.scope = options.scope.value_or(options.score == "usage" ? Scope::layer : Scope::model);
  rule.samples = options.samples;
  rule.alpha = options.alpha;
  rule.threshold = options.threshold;
  rule.plain_difference = options.preset == "paper";
  rule.score = options.score;
  return rule;
}

std::int64_t top_of(ExpertSpace const& space, StabilityRule const& rule) {
  if (rule.score == "usage" || rule.alpha || rule.resampling == Resampling::bootstrap)
    return top_size(space, rule.scope, rule.alpha);
  auto const experts = static_cast<std::int64_t>(space.size());
  auto const q = largest_q({rule.resampling, rule.threshold, rule.samples, 0, experts});
  validate<ConfigError>(
      q >= 1,
      "ses.alpha = auto: at threshold {} with {} replicates no top N of {} experts keeps the expected "
      "number of chance selections at 1; raise ses.threshold, or give ses.alpha",
      rule.threshold, rule.samples, experts);
  auto const layers = static_cast<std::int64_t>(space.layers.size());
  return rule.scope == Scope::model ? q : std::max<std::int64_t>(1, q / layers);
}

}  // namespace moerae
