#pragma once

#include <cstdint>

namespace moerae {

/// What chance gives when the top of a half is of means over many clusters and experts are exchangeable: both
/// halves of a pair are (T + D)/2 and (T - D)/2, T and D normal and independent, T of the data, D of the
/// split; an expert is in the top of a half when that exceeds the quantile of 1 - theta. Returns P(it is in
/// the top of at least t of the halves of n pairs) [ours]. More than 100 pairs are taken as 100, which gives
/// slightly more.
[[nodiscard]] double normal_null_tail(double theta, std::int64_t t, std::int64_t pairs);

}  // namespace moerae
