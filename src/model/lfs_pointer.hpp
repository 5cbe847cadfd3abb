#pragma once

#include <string>
#include <string_view>

namespace moerae {

/// Throws DataError where a file begins as the small text that Git LFS leaves in place of a large file.
void refuse_lfs_pointer(std::string_view beginning, std::string const& file);

}  // namespace moerae
