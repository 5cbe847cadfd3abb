#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moerae/reduce/contrast/comparison.hpp"

namespace moerae {

/// One score per expert [L*K] of two groups of prompts: above 0 = more used in `a`. A pure function.
using ContrastFunction = std::vector<double> (*)(Comparison const& groups);

/// A contrast criterion: a row of the table below and one file in src/reduce/contrast.
struct ContrastCriterion {
  std::string_view name;
  std::string_view help;
  ContrastFunction score;
};

namespace contrast {

/// All of them.
[[nodiscard]] std::span<ContrastCriterion const> criteria();
/// Null when unknown.
[[nodiscard]] ContrastCriterion const* find(std::string_view name);
/// "risk_difference, log_odds, ..."
[[nodiscard]] std::string known();

/// p_a - p_b, p = activations / tokens (SteerMoE; [-1, 1]).
[[nodiscard]] std::vector<double> risk_difference(Comparison const& groups);

/// ln((a1 + .5)(d2 + .5) / ((a2 + .5)(d1 + .5))), a activations, d = tokens - a: log odds ratio with the
/// Haldane-Anscombe correction, finite for unused experts.
[[nodiscard]] std::vector<double> log_odds(Comparison const& groups);

/// Difference of the mean gate weight per token, zero where the expert was not selected (ESFT's g_e of `a`
/// minus that of `b`, arXiv 2407.01906).
[[nodiscard]] std::vector<double> gate_mass(Comparison const& groups);

/// Additive term of the expert in the Jensen-Shannon divergence of its layer, in nats, with the sign of p_a -
/// p_b: 1/2 [q_a ln(q_a/m) + q_b ln(q_b/m)], q = activations / (k tokens), m = (q_a + q_b)/2. Terms are >= 0
/// before the sign. Plug-in estimate: biased upwards on few tokens.
[[nodiscard]] std::vector<double> js(Comparison const& groups);

/// JS divergence of every layer [L] in nats: the sum of its terms without their signs.
[[nodiscard]] std::vector<double> js_of_layers(ExpertSpace const& space, std::span<double const> terms);

}  // namespace contrast
}  // namespace moerae
