#pragma once

#include <string>
#include <vector>

// Names that a study can give, each list in the order of its table.

namespace moerae {

/// Criteria by the groups of prompts they look at.
[[nodiscard]] std::vector<std::string> const& contrast_criteria();      ///< two groups, a:b
[[nodiscard]] std::vector<std::string> const& one_group_criteria();     ///< one set
[[nodiscard]] std::vector<std::string> const& safety_group_criteria();  ///< ses.regular, ses.jailbreak,
                                                                        ///< ses.benign

/// Positions whose usage counts, `content` first.
[[nodiscard]] std::vector<std::string> const& position_names();

}  // namespace moerae
