#include "reduce/significance/sort_magnitudes.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace moerae::detail {

void sort_magnitudes(std::vector<float>& values, std::vector<float>& scratch) {
  constexpr std::size_t digits = 2048;
  scratch.resize(values.size());
  for (int shift = 0; shift < 33; shift += 11) {
    auto const digit = [shift](float value) {
      return (std::bit_cast<std::uint32_t>(value) >> shift) % digits;
    };
    std::array<std::uint32_t, digits> place{};
    for (auto const value : values) ++place[digit(value)];
    std::uint32_t before = 0;
    for (auto& p : place) {
      auto const n = p;
      p = before;
      before += n;
    }
    for (auto const value : values) scratch[place[digit(value)]++] = value;
    values.swap(scratch);
  }
}

}  // namespace moerae::detail
