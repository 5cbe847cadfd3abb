#include <algorithm>

#include "moerae/base/check.hpp"
#include "reduce/bounds/stability_bound.hpp"
#include "reduce/contrast/criteria.hpp"
#include "reduce/plan/config_faults.hpp"
#include "reduce/stability/stability.hpp"

namespace moerae {

StabilityRule stability_rule(SesOptions const& options) {
  StabilityRule rule;
  ConfigFaults faults;
  faults.collect([&] { rule.resampling = parse_resampling(options.resample); });
  if (options.scope == "auto")
    rule.scope = options.score == "usage" ? Scope::layer : Scope::model;
  else
    faults.collect([&] { rule.scope = parse_scope(options.scope); });
  rule.score = options.score;
  if (rule.score != "usage" && !contrast::find(rule.score))
    faults.add("ses.score = {}: unknown; known are usage, the activation counts, and the contrasts {}",
               options.score, contrast::known());
  rule.samples = options.samples;
  rule.alpha = options.alpha;
  rule.threshold = options.threshold;
  if (options.preset == "paper") {
    rule.resampling = Resampling::bootstrap;
    rule.threshold = 1;
    rule.plain_difference = true;
  } else if (!options.preset.empty()) {
    faults.add("ses.preset = {}: unknown; known is paper (or leave it empty)", options.preset);
  }
  if (rule.samples < 2 || rule.samples > 10'000'000)
    faults.add("ses.samples = {}: frequencies need between 2 and 10,000,000 replicates", rule.samples);
  else if (rule.resampling == Resampling::complementary && rule.samples % 2 != 0)
    faults.add("ses.samples = {}: complementary halves come in pairs; use an even number", rule.samples);
  if (!(rule.threshold > .5 && rule.threshold <= 1))
    faults.add("ses.threshold = {}: must be above one half, where a majority begins, and at most 1",
               rule.threshold);
  faults.raise();
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
