#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moerae/reduce/usage_table.hpp"

namespace moerae {

/// Where experts compete for the top N.
enum class Scope { layer, model };

/// Throws ConfigError that lists the known names.
[[nodiscard]] Scope parse_scope(std::string const& name);

/// N of a top-N. Per layer: auto is max(k, floor(.1 K)), else floor(alpha K + 1e-9). Over the model: L times
/// the former, floor(alpha L K + 1e-9). Throws ConfigError when that is 0 or more than there are experts.
[[nodiscard]] std::int64_t top_size(ExpertSpace const& space, Scope scope, std::optional<double> alpha);

/// Rank of every expert in its scope, 0 = the largest key; ties by lowest (layer, expert). Expert e is in the
/// top N exactly when its rank is below N. Keys are compared exactly. `ranks` [L*K] is overwritten.
void rank_experts(ExpertSpace const& space, Scope scope, std::span<std::int64_t const> keys,
                  std::span<std::int32_t> ranks);

}  // namespace moerae
