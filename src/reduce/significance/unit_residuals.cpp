#include "unit_residuals.hpp"

#include <algorithm>
#include <bit>

#include "moerae/base/check.hpp"

namespace moerae::detail {
namespace {

__extension__ using Wide = __int128;
__extension__ using Unsigned = unsigned __int128;

constexpr int value_bits = 30;

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

UnitResiduals::UnitResiduals(UnitRows const& rows) : experts_(rows.experts()) {
  std::vector<UnitSide> sides;
  std::int64_t tokens = 0;
  std::vector<std::int64_t> total(experts_, 0);
  auto const take = [&](UnitSide const& side) {
    if (side.tokens == 0) return Side{};
    sides.push_back(side);
    tokens += side.tokens;
    for (std::size_t e = 0; e < experts_; ++e) total[e] += side.usage[e];
    return Side{side.tokens, sides.size() - 1};
  };
  for (std::size_t u = 0; u < rows.units(); ++u) {
    as_is_.push_back(take(rows.as_is(u)));
    twin_.push_back(take(rows.twin(u)));
  }
  auto const residual = [&](UnitSide const& side, std::size_t e) {
    return static_cast<Wide>(side.usage[e]) * tokens - static_cast<Wide>(total[e]) * side.tokens;
  };
  std::vector<int> shift(experts_, -value_bits);
  for (auto const& side : sides)
    for (std::size_t e = 0; e < experts_; ++e)
      shift[e] = std::max(shift[e], bits(residual(side, e)) - value_bits);
  values_.reserve(sides.size() * experts_);
  for (auto const& side : sides)
    for (std::size_t e = 0; e < experts_; ++e) values_.push_back(rounded(residual(side, e), shift[e]));
}

}  // namespace moerae::detail
