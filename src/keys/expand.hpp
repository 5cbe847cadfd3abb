#pragma once

#include <string>

namespace moerae::kind {

/// A path as a shell would read it: `~` at the start is $HOME, `$NAME` and `${NAME}` are variables of the
/// environment. Throws BadValue for a variable that is not set, `~user` and any other use of `$`.
[[nodiscard]] std::string expanded(std::string const& path);

}  // namespace moerae::kind
