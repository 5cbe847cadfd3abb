#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "moerae/model/expert_space.hpp"

namespace moerae {

/// Experts whose outputs make the massive activations that attention sinks feed on: masking one damages the
/// model whatever it is asked (methods 13, after "super experts", ICLR 2026). `largest` [L*K]: the largest
/// magnitude in the output of the expert's down projection. A super expert is above the 99.5th percentile of
/// all, above a tenth of the largest, in the first three quarters of the layers, and [ours] at least
/// `massive` times the median: half a percent of the experts of a model without massive activations would be
/// called super by the percentile alone. Ascending indices [L*K]; none where `largest` is empty. Percentile:
/// linear between order statistics, as numpy's.
[[nodiscard]] std::vector<std::size_t> super_experts(ExpertSpace const& space,
                                                     std::span<double const> largest);
inline constexpr double massive = 10;

/// Those of a finished record of `run`, in its folder `record`. ConfigError where shards are missing or do
/// not hold the largest outputs; DataError where one is damaged or of another model than `space`. Not
/// collective.
[[nodiscard]] std::vector<std::size_t> recorded_super_experts(std::filesystem::path const& run,
                                                              std::filesystem::path const& record,
                                                              ExpertSpace const& space);

}  // namespace moerae
