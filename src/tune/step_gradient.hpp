#pragma once

#include "moerae/tune/trainer.hpp"
#include "tune/batches.hpp"
#include "tune/losses.hpp"
#include "tune/trained_experts.hpp"

namespace moerae {

/// Adds what a pass over some examples gives to the gradient of `trained` and to the sums of the terms. A
/// term's sum enters the loss times its factor. With nothing to do it takes part with zero rows. Collective
/// over the expert group.
void add_pass(TuneSetting const& setting, Indices const& examples, Terms const& factor,
              TrainedExperts& trained, Terms& sums);

/// The factors that make means of the sums of a step, weighted as the options say; 0 for a term that has
/// nothing in the step.
[[nodiscard]] Terms factors(TuneSetting const& setting, Indices const& batch);

}  // namespace moerae
