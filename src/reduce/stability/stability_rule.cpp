#include <algorithm>
#include <cmath>

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

std::int64_t top_size(ExpertSpace const& space, Scope scope, std::optional<double> alpha) {
  auto const layers = scope == Scope::model ? static_cast<std::int64_t>(space.layers.size()) : 1;
  auto const experts = layers * space.experts;
  auto const of_share = [&](double share) {  // not a number: none
    return static_cast<std::int64_t>(
        std::floor((share > 0 ? std::min(share, 1.0) : 0) * static_cast<double>(experts) + 1e-9));
  };
  auto const n = alpha ? of_share(*alpha) : layers * std::max(space.top_k, space.experts / 10);
  validate<ConfigError>(
      n >= 1 && n < experts,
      "ses.alpha = {}: a top {} of {} experts selects {}, which separates nothing; choose a share "
      "between {:.3g} and {:.3g}, or auto",
      alpha ? fmt::format("{}", *alpha) : "auto", n, experts, n < 1 ? "none" : "all",
      1.0 / static_cast<double>(experts), 1.0 - 1.0 / static_cast<double>(experts));
  return n;
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
