#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "moerae/tune/examples.hpp"

namespace moerae {

/// Indices of examples.
using Indices = std::vector<std::size_t>;

/// The examples of every step, a function of examples, options and seed only, never of ranks. Those to be
/// learned and those to be kept are shuffled apart, anew for every epoch, and mixed so that retain_share of
/// all so far are kept; a step takes them in order until batch_tokens are reached, at least one.
[[nodiscard]] std::vector<Indices> plan_batches(std::span<Example const> examples, TuneOptions const& options,
                                                std::uint64_t seed);

/// What the ranks do of a step: in order, each example goes to the rank with the fewest tokens.
/// [ranks] of passes, each at most pass_tokens or one example; all ranks have as many, the last ones perhaps
/// empty, since a group makes its passes together.
[[nodiscard]] std::vector<std::vector<Indices>> spread(std::span<Example const> examples,
                                                       Indices const& batch, int ranks,
                                                       std::int64_t pass_tokens);

}  // namespace moerae
