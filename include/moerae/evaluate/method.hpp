#pragma once

namespace moerae {

/// The method of `evaluate`: raised by whoever corrects what it writes, so that old results are not taken for
/// new ones.
inline constexpr int evaluate_method = 2;

}  // namespace moerae
