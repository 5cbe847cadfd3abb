#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/reduce/config_faults.hpp"
#include "moerae/reduce/stability.hpp"

namespace moerae {

StabilityRule stability_rule(SesOptions const& options) {
  StabilityRule rule;
  ConfigFaults faults;
  faults.collect([&] { rule.resampling = parse_resampling(options.resample); });
  faults.collect([&] { rule.scope = parse_scope(options.scope); });
  if (options.score != "usage")
    faults.add("ses.score = {}: unknown; known is usage, the activation counts", options.score);
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

}  // namespace moerae
