#pragma once

#include <string>
#include <vector>

namespace moerae {

/// The word most like `word` (fewest insertions, deletions, replacements), or the one with the same last part
/// after the dot; empty when nothing is near.
[[nodiscard]] std::string nearest(std::string const& word, std::vector<std::string> const& known);

/// "NAME: unknown key; did you mean the nearest?"
[[nodiscard]] std::string unknown_key(std::string const& name, std::vector<std::string> const& known);

}  // namespace moerae
