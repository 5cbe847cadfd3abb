#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moerae/mpi/comm.hpp"
#include "moerae/reduce/plan/options.hpp"
#include "moerae/store/expert_set.hpp"
#include "reduce/resampling/resample.hpp"
#include "reduce/usage/usage_table.hpp"

namespace moerae {

/// [ses] resolved.
struct StabilityRule {
  Resampling resampling = Resampling::complementary;
  Scope scope = Scope::layer;
  std::int64_t samples = 100;  ///< S replicates
  std::optional<double> alpha;
  double threshold = .9;  ///< tau: selected when the frequency reaches it
  bool plain_difference =
      false;  ///< HRCG = E_top(regular) minus E_top(jailbreak), without an undetermined group
  std::string score = "usage";  ///< what the top N is of: usage, or a contrast criterion
  /// Contrasts: the largest magnitudes, or the highest or lowest scores. Scores of 0 or of the other sign are
  /// in no top N, which then is smaller.
  store::Side side = store::Side::both;

  /// tau in replicates: the smallest count whose share reaches it.
  [[nodiscard]] std::int64_t needed() const;
};

/// Of options as check_options takes them. Scope auto: of each layer for usage, of the model for a contrast.
/// Preset `paper` (arXiv 2506.17368): with the strict intersection of bootstrap resamples goes the plain set
/// difference; it states neither S, sample size, alpha nor scope, which stay the study's.
[[nodiscard]] StabilityRule stability_rule(SesOptions const& options);

/// How often each expert was in the top N of a replicate. Integers: the same for any number of ranks.
struct Stability {
  ExpertSpace space;
  StabilityRule rule;
  std::int64_t top = 0;             ///< N of `rule`
  std::vector<std::int64_t> count;  ///< [L*K] of S
  std::vector<std::int32_t> sizes;  ///< [A] the N of the stability path, ascending, `top` among them
  std::vector<std::int64_t> path;   ///< [A, L*K] counts at each of them

  [[nodiscard]] std::vector<double> frequency() const;       ///< [L*K] count / S
  [[nodiscard]] std::vector<double> path_frequency() const;  ///< [A, L*K]
  [[nodiscard]] bool selected(std::size_t expert) const { return count[expert] >= rule.needed(); }
  /// In the top N at most as often as a selected expert is out of it: frequency <= 1 - tau.
  [[nodiscard]] bool rarely(std::size_t expert) const {
    return count[expert] <= rule.samples - rule.needed();
  }
};

/// Sizes of a stability path: 1 to about 2N in at most 24 steps, N among them, below the number of experts.
[[nodiscard]] std::vector<std::int32_t> path_sizes(std::int64_t top, std::int64_t experts);

/// N of a top-N. Per layer: auto is max(k, floor(.1 K)), else floor(alpha K + 1e-9). Over the model: L times
/// the former, floor(alpha L K + 1e-9). Throws ConfigError when that is 0 or more than there are experts.
[[nodiscard]] std::int64_t top_size(ExpertSpace const& space, Scope scope, std::optional<double> alpha);

/// N of a rule: `top_size`, but for contrasts without alpha the largest N with E[V] <= 1 by the unimodal
/// bound (none for the bootstrap: top_size), per layer its L-th part and at least 1. Throws ConfigError as
/// top_size.
[[nodiscard]] std::int64_t top_of(ExpertSpace const& space, StabilityRule const& rule);

}  // namespace moerae
