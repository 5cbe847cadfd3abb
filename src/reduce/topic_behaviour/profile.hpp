#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "moerae/reduce/usage/usage_table.hpp"

namespace moerae {

/// How the selections of a group of tokens are spread over the experts of each layer.
struct Profile {
  std::int64_t tokens = 0;
  std::vector<double> q;          ///< [L*K] activations / (k tokens); sums to 1 in a layer
  std::vector<double> plogp;      ///< [L*K] q ln q, 0 at 0
  std::vector<std::int32_t> top;  ///< [L, k] the k most used experts, ties by lowest id; ids ascending
};

/// `tokens` > 0.
[[nodiscard]] Profile profile_of(ExpertSpace const& space, std::span<std::int64_t const> count,
                                 std::int64_t tokens);

/// Jensen-Shannon divergence of two profiles in one layer, nats, 0 .. ln 2: H((p + q)/2) - (H(p) + H(q))/2.
/// Plug-in: biased upwards on few tokens.
[[nodiscard]] double js_of_layer(ExpertSpace const& space, Profile const& x, Profile const& y,
                                 std::size_t layer);

/// Experts of the layer that are among the k most used of both, 0 .. k.
[[nodiscard]] double overlap_of_layer(ExpertSpace const& space, Profile const& x, Profile const& y,
                                      std::size_t layer);

}  // namespace moerae
