#pragma once

#include <cstdint>

namespace moerae {

/// D(eta, t, n, r) of Shah and Samworth (2013), appendix A.4: the largest P(X >= t/n) of an r-concave X on
/// {0, 1/n, ..., 1} with mean at most eta, r = -1/s. It is reached by a density (a + i)^-s on 0..k with what
/// is left of the mean at k + 1; k and a are searched. 1 where the mean allows everything: t <= ceil(2 eta
/// n).
[[nodiscard]] double concave_tail(double eta, std::int64_t t, std::int64_t n, int s);

}  // namespace moerae
