#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "moerae/base/draws.hpp"
#include "moerae/reduce/plan/options.hpp"

namespace moerae {

/// A permutation of 0..C-1: indices ordered by their keys (seed, draw, replicate, cluster id), so that a
/// cluster has the same key whatever stands beside it.
[[nodiscard]] std::vector<std::size_t> shuffled(std::uint64_t seed, Draw draw, std::uint32_t replicate,
                                                std::span<std::int64_t const> clusters);

/// How often each cluster (ids ascending) stands in a replicate: [C]. A pure function of its arguments, hence
/// the same on every rank. A half-sample is the floor(C/2) smallest keys (seed, replicate, id), its
/// complement the floor(C/2) largest (with odd C the middle one stands in neither); bootstrap draws are keyed
/// (seed, replicate, draw).
[[nodiscard]] std::vector<std::int32_t> replicate_weights(Resampling kind, std::uint64_t seed,
                                                          std::int64_t replicate,
                                                          std::span<std::int64_t const> clusters);

}  // namespace moerae
