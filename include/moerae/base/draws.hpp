#pragma once

#include <cstdint>

#include "moerae/base/random.hpp"

namespace moerae {

/// What a random number is drawn for. One list for the whole program, so that no two uses of a seed share
/// numbers; a value never changes, results depend on it.
enum class Draw : std::uint32_t {
  half_sample = 0x4d6f0001,
  bootstrap = 0x4d6f0002,
  noise_floor = 0x4d6f0003,
  fewer_clusters = 0x4d6f0004,
  permutation = 0x4d6f0010,
  halves = 0x4d6f0040,
  cluster_pairs = 0x4d6f0041,
  controls = 0x4d6f0042,
  next_token = 0x4d6f0050,
  random_mask = 0x4d6f0060,
  learned_examples = 0x4d6f0070,
  retained_examples = 0x4d6f0071,
  low_rank = 0x4d6f0072
};

[[nodiscard]] inline std::uint64_t random_bits(std::uint64_t seed, Draw draw, std::uint32_t a,
                                               std::uint32_t b) {
  return random_bits(seed, static_cast<std::uint32_t>(draw), a, b);
}

/// 64 random bits of something with an id (a cluster, a prompt), whatever stands beside it.
[[nodiscard]] std::uint64_t draw_key(std::uint64_t seed, Draw draw, std::uint32_t replicate, std::int64_t id);

}  // namespace moerae
