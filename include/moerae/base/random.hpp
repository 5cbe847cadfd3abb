#pragma once

#include <array>
#include <cstdint>

namespace moerae {

/// Counter-based random numbers (Philox4x32-10, Salmon et al., SC 2011): the value is a pure function of the
/// key and the counter, so that draws are the same for any number of ranks and threads.
[[nodiscard]] std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::array<std::uint32_t, 4> counter);

/// 64 random bits for (seed, stream, a, b). `stream` keeps different uses of one seed apart.
[[nodiscard]] std::uint64_t random_bits(std::uint64_t seed, std::uint32_t stream, std::uint32_t a,
                                        std::uint32_t b);

/// Uniform integer in [0, n), n >= 1, by the multiply-high method (bias below n / 2^64).
[[nodiscard]] std::uint64_t random_below(std::uint64_t bits, std::uint64_t n);

}  // namespace moerae
