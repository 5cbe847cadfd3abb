#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace moerae {

// A lower bound on the number of true discoveries in every set of experts at once, whichever the user picks
// and however late (Blanchard, Neuvial and Roquain, Annals of Statistics 2020): with the linear template t_k
// = lambda k / m on the two-sided normal p of |T|, lambda calibrated by permutations so that with the given
// confidence no k has k true nulls with p < t_k. Valid for any dependence between the experts, which the
// permutations keep.

/// Pivot of a replicate: min over k of m p_(k) / k. |T| [m]; `scratch` is only memory that calls can share.
[[nodiscard]] double template_pivot(std::span<float const> magnitudes, std::vector<float>& scratch);

/// lambda: the largest that at most floor((1 - confidence) n) of n pivots are below. The observed labelling
/// is one of the n: it is a relabelling like the others.
[[nodiscard]] double calibrated_lambda(std::vector<double> pivots, double confidence);

/// With that confidence at least so many of the experts whose T is given have a difference; `experts` is m.
/// Holds for all sets together. max over k of (number with p < lambda k / m) + 1 - k.
[[nodiscard]] std::size_t true_discoveries(double lambda, std::size_t experts, std::span<double const> t);

}  // namespace moerae
