#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "moerae/model/expert_space.hpp"

namespace moerae {

/// Where experts compete for the top N.
enum class Scope { layer, model };

[[nodiscard]] std::string word_of(Scope scope);
/// Throws ConfigError that lists the known names.
[[nodiscard]] Scope parse_scope(std::string const& name);

/// N of a top-N. Per layer: auto is max(k, floor(.1 K)), else floor(alpha K + 1e-9). Over the model: L times
/// the former, floor(alpha L K + 1e-9). Throws ConfigError when that is 0 or more than there are experts.
[[nodiscard]] std::int64_t top_size(ExpertSpace const& space, Scope scope, std::optional<double> alpha);

}  // namespace moerae
