#pragma once

#include <string_view>

namespace moerae::build_info {

extern std::string_view const version;     ///< of the project
extern std::string_view const git_commit;  ///< full hash when configured inside a checkout, else "unknown"
extern bool const git_dirty;               ///< the checkout had changes when the program was built
extern std::string_view const compiler;
extern std::string_view const build_type;

}  // namespace moerae::build_info
