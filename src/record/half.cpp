#include "record/half.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace moerae {

store::Half half_of(float value) {
  std::uint16_t const sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return {static_cast<std::uint16_t>(sign | 0x7e00)};
  float const magnitude = std::fabs(value);
  if (magnitude >= 65520.0F) return {static_cast<std::uint16_t>(sign | 0x7c00)};  // rounds past 65504
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude in [2^(exponent-1), 2^exponent)
  // one unit in the last place: 2^(exponent-11) for normal numbers, 2^-24 below; nearbyint rounds ties to
  // even
  int const unit = magnitude == 0 ? -24 : std::max(exponent - 11, -24);
  auto const steps = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, -unit)));
  // steps carries over into the exponent field by itself when rounding reaches the next power of two
  std::uint32_t const bits =
      unit == -24 ? steps : (static_cast<std::uint32_t>(exponent + 14) << 10) + (steps - 1024);
  return {static_cast<std::uint16_t>(sign | bits)};
}

}  // namespace moerae
