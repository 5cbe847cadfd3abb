#pragma once

#include <cmath>
#include <limits>

#include "moerae/store/file.hpp"

namespace moerae {

/// The value of an IEEE binary16, exactly.
[[nodiscard]] inline float float_of(store::Half half) {
  int const exponent = (half.bits >> 10) & 0x1f, fraction = half.bits & 0x3ff;
  float magnitude = 0;
  if (exponent == 0)
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  else if (exponent < 31)
    magnitude = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  else
    magnitude =
        fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  return (half.bits & 0x8000) != 0 ? -magnitude : magnitude;
}

/// The nearest IEEE binary16, ties to even; beyond the largest one infinity.
[[nodiscard]] store::Half half_of(float value);

}  // namespace moerae
