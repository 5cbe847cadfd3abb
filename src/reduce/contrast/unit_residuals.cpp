#include "reduce/contrast/unit_residuals.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace moerae::detail {
namespace {

__extension__ using Wide = __int128;
__extension__ using Unsigned = unsigned __int128;

constexpr int value_bits = 30, dropped_bits = 8;

int bits(Wide value) {
  auto const magnitude = static_cast<Unsigned>(value < 0 ? -value : value);
  auto const high = static_cast<std::uint64_t>(magnitude >> 64);
  return static_cast<int>(high != 0 ? 64 + std::bit_width(high)
                                    : std::bit_width(static_cast<std::uint64_t>(magnitude)));
}

/// value / 2^shift, to the nearest, halves away from zero: odd in the value.
std::int32_t rounded(Wide value, int shift) {
  if (shift <= 0) return static_cast<std::int32_t>(value * (Wide{1} << -shift));
  auto const half = Wide{1} << (shift - 1);
  return static_cast<std::int32_t>(value < 0 ? -((half - value) >> shift) : (value + half) >> shift);
}

}  // namespace

UnitResiduals::UnitResiduals(UnitRows const& rows) : rows_(rows), usage_shift_(rows.experts, 0) {
  auto const experts = rows.experts;
  std::int64_t tokens = 0;
  std::vector<std::int64_t> total(experts, 0);
  for (auto const& side : rows.sides) {
    tokens += side.tokens;
    for (std::size_t e = 0; e < experts; ++e) total[e] += side.usage[e];
  }
  auto const residual = [&](UnitSide const& side, std::size_t e) {
    return static_cast<Wide>(side.usage[e]) * tokens - static_cast<Wide>(total[e]) * side.tokens;
  };
  std::vector<int> shift(experts, -value_bits);
  for (auto const& side : rows.sides)
    for (std::size_t e = 0; e < experts; ++e) {
      shift[e] = std::max(shift[e], bits(residual(side, e)) - value_bits);
      usage_shift_[e] = std::max(usage_shift_[e], bits(side.usage[e]) - value_bits);
    }
  residuals_.reserve(rows.sides.size() * experts);
  for (auto const& side : rows.sides)
    for (std::size_t e = 0; e < experts; ++e)
      residuals_.push_back(rounded(rounded(residual(side, e), shift[e]), dropped_bits));
  for (std::size_t e = 0; e < experts; ++e)
    units_.push_back(std::ldexp(1.0, shift[e] - usage_shift_[e] + dropped_bits) /
                     static_cast<double>(tokens));
}

void UnitResiduals::usage(std::size_t side, std::span<std::int64_t> out) const {
  for (std::size_t e = 0; e < out.size(); ++e) out[e] = rounded(rows_.sides[side].usage[e], usage_shift_[e]);
}

}  // namespace moerae::detail
