#include "moerae/base/draws.hpp"

namespace moerae {

std::uint64_t draw_key(std::uint64_t seed, Draw draw, std::uint32_t replicate, std::int64_t id) {
  auto const bits = static_cast<std::uint64_t>(id);
  auto const words = philox(seed, {replicate, static_cast<std::uint32_t>(bits),
                                   static_cast<std::uint32_t>(draw), static_cast<std::uint32_t>(bits >> 32)});
  return (static_cast<std::uint64_t>(words[0]) << 32) | words[1];
}

}  // namespace moerae
