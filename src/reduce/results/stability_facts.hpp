#pragma once

#include <nlohmann/json.hpp>

#include "reduce/stability/stability.hpp"

namespace moerae {

/// What was resampled and how, for the provenance of a set.
[[nodiscard]] nlohmann::ordered_json rule_of(Stability const& stability);

/// What the bound of the selection says, for its evidence.
[[nodiscard]] nlohmann::ordered_json bounds_of(Stability const& stability);

}  // namespace moerae
