#pragma once

#include <cstdint>
#include <optional>

#include "moerae/model/expert_space.hpp"
#include "moerae/reduce/plan/options.hpp"

namespace moerae {

/// N of a top-N. Per layer: auto is max(k, floor(.1 K)), else floor(alpha K + 1e-9). Over the model: L times
/// the former, floor(alpha L K + 1e-9). Throws ConfigError when that is 0 or more than there are experts.
[[nodiscard]] std::int64_t top_size(ExpertSpace const& space, Scope scope, std::optional<double> alpha);

}  // namespace moerae
