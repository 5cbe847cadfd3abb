#pragma once

#include <cstdint>
#include <vector>

#include "moerae/reduce/contrast/comparison.hpp"

namespace moerae::test {

/// A table without usage: one topic, one length.
[[nodiscard]] UsageTable clusters_of(std::vector<std::int64_t> const& ids);

}  // namespace moerae::test
