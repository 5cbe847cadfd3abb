#pragma once

#include <string>
#include <string_view>
#include <vector>

// Names that a study can give, each list in the order of its table.

namespace moerae {

/// Criteria that compare two groups of prompts, a:b.
[[nodiscard]] std::vector<std::string> const& contrast_criteria();

/// Whether a name can stand in a file name and in a condition such as mask:NAME@3; `file_name_rule`: what it
/// has to be.
inline constexpr std::string_view file_name_rule =
    "use letters, digits and . _ + - only, neither . nor - first";
[[nodiscard]] bool can_name_a_file(std::string_view name);

/// Positions whose usage counts, `content` first.
[[nodiscard]] std::vector<std::string> const& position_names();

}  // namespace moerae
