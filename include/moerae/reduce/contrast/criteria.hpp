#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moerae/reduce/contrast/comparison.hpp"
#include "moerae/reduce/contrast/statistic.hpp"

namespace moerae {

/// One score per expert [L*K] of two groups of prompts: above 0 = more used in `a`, never NaN. A pure
/// function; it changes its sign when the groups change places.
using ContrastFunction = std::vector<double> (*)(Comparison const& groups);

/// What the prompts must offer beside usage.
struct ContrastNeeds {
  bool pairs = false;       ///< clusters in both groups
  bool topics = false;      ///< topics of the clusters
  bool same_token = false;  ///< Comparison::same_token: recorded routing and token ids
};

/// A contrast criterion: a row of the table and one file in src/reduce/contrast or src/reduce/significance.
struct ContrastCriterion {
  std::string_view name;
  std::string_view help;
  ContrastNeeds needs;
  ContrastFunction score;
  MakeStatistic test;  ///< what its significance is of; criteria that are no statistic: the studentised
                       ///< difference of what they are made of
  std::string_view positions = {};        ///< that the criterion is about; empty: contrast.positions
  ContrastFunction divergence = nullptr;  ///< [L] nats, of criteria that divide a divergence of the layer
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
/// before the sign. Plug-in estimate: biased upwards on few tokens. RASET (arXiv 2605.29708) is known to
/// us only by its abstract and at second hand: it reports JS divergences, but formula, logarithm and
/// positions of its criterion are not stated; this is not claimed to be it.
[[nodiscard]] std::vector<double> js(Comparison const& groups);

/// JS divergence of every layer [L] in nats, and the same less its bias (which may be below 0).
[[nodiscard]] std::vector<double> js_divergence(Comparison const& groups);
[[nodiscard]] std::vector<double> js_debiased_divergence(Comparison const& groups);

/// js less its bias: the term minus what it is on average when the labels of the clusters are exchanged at
/// random (contrast/js.hpp), with the sign of p_a - p_b; 0 where chance alone makes as much. The bias is that
/// of pooled sampling noise over clusters; it does not take topics or lengths of the groups into account.
/// What is said of RASET at js holds here.
[[nodiscard]] std::vector<double> js_debiased(Comparison const& groups);

/// Difference of MESA's transport cost C(f) = 1/((f + shift)(100 - f)^2), f = percentile of an expert's usage
/// (arXiv 2606.00651, second hand). The source available to us states neither the shift nor over what f is
/// taken, and gives a cost per expert, not a contrast. Ours: f = mid-rank percentile of the activations
/// within the layer, 100 (number below + half of the equal, itself included)/K, hence in [50/K, 100 - 50/K]
/// and the cost finite; shift = 1; score = |C(f_a) - C(f_b)| with the sign of p_a - p_b (C falls up to f
/// = 32.7 and rises from there, so that its own sign would not say which group uses the expert more).
[[nodiscard]] std::vector<double> ot_cost(Comparison const& groups);

/// JS divergence of every layer [L] in nats: the sum of its terms without their signs.
[[nodiscard]] std::vector<double> js_of_layers(ExpertSpace const& space, std::span<double const> terms);

}  // namespace contrast
}  // namespace moerae
