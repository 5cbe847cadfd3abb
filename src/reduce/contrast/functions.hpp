#pragma once

#include "reduce/contrast/criteria.hpp"

// The criteria that are no test statistic. Included by the table and by their own files only, so that a new
// one rebuilds little.

namespace moerae::contrast {

/// p_a - p_b, p = activations / tokens (SteerMoE; [-1, 1]).
[[nodiscard]] ContrastScore risk_difference(Comparison const& groups);

/// p_a - p_b where it is beyond .05, else 0 (RASA's code, which compares jailbreaks that succeeded with a
/// safe anchor and takes what is above .05: contrast.groups = jailbreak@complied:permitted). Its cap on the
/// number of experts is the count of a set here.
[[nodiscard]] ContrastScore jailbreak_gap(Comparison const& groups);

/// ln((a1 + .5)(d2 + .5) / ((a2 + .5)(d1 + .5))), a activations, d = tokens - a: log odds ratio with the
/// Haldane-Anscombe correction, finite for unused experts.
[[nodiscard]] ContrastScore log_odds(Comparison const& groups);

/// Difference of the mean gate weight per token, zero where the expert was not selected (ESFT's g_e of `a`
/// minus that of `b`, arXiv 2407.01906). Of drops: difference of the mean drop a prompt, in nats.
[[nodiscard]] ContrastScore gate_mass(Comparison const& groups);

/// Additive term of the expert in the Jensen-Shannon divergence of its layer, in nats, less what it is on
/// average when the labels of the clusters are exchanged at random (contrast/js.hpp), with the sign of p_a -
/// p_b: 1/2 [q_a ln(q_a/m) + q_b ln(q_b/m)], q = activations / (k tokens), m = (q_a + q_b)/2; 0 where chance
/// alone makes as much. The bias is that of pooled sampling noise over clusters; it does not take topics or
/// lengths of the groups into account. Divergence: the plug-in estimate of the layer, biased upwards on few
/// tokens. RASET (arXiv 2605.29708) is known to us only by its abstract and at second hand: it reports JS
/// divergences, but formula, logarithm and positions of its criterion are not stated; this is not claimed to
/// be it.
[[nodiscard]] ContrastScore js(Comparison const& groups);

/// Difference of MESA's transport cost C(f) = 1/((f + shift)(100 - f)^2), f = percentile of an expert's usage
/// (arXiv 2606.00651, second hand). The source available to us states neither the shift nor over what f is
/// taken, and gives a cost per expert, not a contrast. Ours: f = mid-rank percentile of the activations
/// within the layer, 100 (number below + half of the equal, itself included)/K, hence in [50/K, 100 - 50/K]
/// and the cost finite; shift = 1; score = |C(f_a) - C(f_b)| with the sign of p_a - p_b (C falls up to f
/// = 32.7 and rises from there, so that its own sign would not say which group uses the expert more).
[[nodiscard]] ContrastScore ot_cost(Comparison const& groups);

}  // namespace moerae::contrast
