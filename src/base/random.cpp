#include "moerae/base/random.hpp"

#include <Random123/philox.h>

#include "moerae/base/check.hpp"

namespace moerae {

std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::array<std::uint32_t, 4> counter) {
  r123::Philox4x32 const generator;
  r123::Philox4x32::key_type const key{
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  auto const out = generator({{counter[0], counter[1], counter[2], counter[3]}}, key);
  return {out[0], out[1], out[2], out[3]};
}

std::uint64_t random_bits(std::uint64_t seed, std::uint32_t stream, std::uint32_t a, std::uint32_t b) {
  auto const words = philox(seed, {a, b, stream, 0});
  return (static_cast<std::uint64_t>(words[0]) << 32) | words[1];
}

std::uint64_t random_below(std::uint64_t bits, std::uint64_t n) {
  expect(n >= 1, "random_below needs n >= 1");
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(bits) * n) >> 64);
}

}  // namespace moerae
