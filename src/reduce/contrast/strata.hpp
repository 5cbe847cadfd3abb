#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moerae::detail {

/// The eighth [n] in which each of n lengths lies: the number of the octiles (the values at ranks floor(j n /
/// 8), j = 1..7) that are not above it. Equal lengths lie in the same eighth, some of which are empty then.
[[nodiscard]] std::vector<std::int32_t> eighths(std::span<std::int64_t const> lengths);

}  // namespace moerae::detail
