#include "reduce/resampling/product_kernels.hpp"

#include <array>

#include "reduce/resampling/integer_product.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// All multiply pairs of int16 and add into int32 (pmaddwd); the caller keeps `pairs` so small that no sum
// overflows. Sums of a tile are then added to 64-bit ones.

namespace moerae::detail {

void product_portable(ProductTile const& tile) {
  for (std::size_t r = 0; r < 8; ++r) {
    std::array<std::int32_t, column_block> sum{};
    for (std::size_t p = 0; p < tile.pairs; ++p) {
      auto const both = static_cast<std::uint32_t>(tile.weights[p * 8 + r]);
      if (both == 0) continue;
      auto const w0 = static_cast<std::int16_t>(both & 0xffffU), w1 = static_cast<std::int16_t>(both >> 16);
      auto const* const x = tile.columns + p * 2 * column_block;
      for (std::size_t e = 0; e < column_block; ++e) sum[e] += w0 * x[2 * e] + w1 * x[2 * e + 1];
    }
    for (std::size_t e = 0; e < column_block; ++e)
      tile.sums[r * column_block + e] += static_cast<std::uint64_t>(sum[e]) << tile.shift;
  }
}

#if defined(__x86_64__)

[[gnu::target("avx2")]] void product_avx2(ProductTile const& tile) {
  auto const shift = _mm_cvtsi32_si128(tile.shift);
  for (std::size_t quarter = 0; quarter < 4; ++quarter) {  // 4 replicates by 16 columns fill the registers
    std::size_t const r0 = quarter / 2 * 4, e0 = quarter % 2 * 16;
    __m256i sum[4][2] = {};
    for (std::size_t p = 0; p < tile.pairs; ++p) {
      auto const* const x = reinterpret_cast<__m256i const*>(tile.columns + (p * column_block + e0) * 2);
      auto const x0 = _mm256_loadu_si256(x), x1 = _mm256_loadu_si256(x + 1);
      for (std::size_t r = 0; r < 4; ++r) {
        auto const w = _mm256_set1_epi32(tile.weights[p * 8 + r0 + r]);
        sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(w, x0));
        sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(w, x1));
      }
    }
    for (std::size_t r = 0; r < 4; ++r)
      for (std::size_t h = 0; h < 4; ++h) {  // 4 columns each
        auto const part =
            h % 2 == 0 ? _mm256_castsi256_si128(sum[r][h / 2]) : _mm256_extracti128_si256(sum[r][h / 2], 1);
        auto* const to = reinterpret_cast<__m256i*>(tile.sums + (r0 + r) * column_block + e0 + 4 * h);
        auto const add = _mm256_sll_epi64(_mm256_cvtepi32_epi64(part), shift);
        _mm256_storeu_si256(to, _mm256_add_epi64(_mm256_loadu_si256(to), add));
      }
  }
}

// g++ 12 takes the undefined lanes of its own intrinsics for a mistake (bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
[[gnu::target("avx512f,avx512vnni")]] void product_avx512_vnni(ProductTile const& tile) {
  auto const shift = _mm_cvtsi32_si128(tile.shift);
  __m512i sum[8][2] = {};
  for (std::size_t p = 0; p < tile.pairs; ++p) {
    auto const* const x = tile.columns + p * 2 * column_block;
    auto const x0 = _mm512_loadu_si512(x), x1 = _mm512_loadu_si512(x + column_block);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 8; ++r) {
      auto const w = _mm512_set1_epi32(tile.weights[p * 8 + r]);
      sum[r][0] = _mm512_dpwssd_epi32(sum[r][0], w, x0);
      sum[r][1] = _mm512_dpwssd_epi32(sum[r][1], w, x1);
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < 8; ++r)
#pragma GCC unroll 4
    for (std::size_t h = 0; h < 4; ++h) {  // 8 columns each
      auto const part =
          h % 2 == 0 ? _mm512_castsi512_si256(sum[r][h / 2]) : _mm512_extracti64x4_epi64(sum[r][h / 2], 1);
      auto* const to = tile.sums + r * column_block + 8 * h;
      auto const add = _mm512_sll_epi64(_mm512_cvtepi32_epi64(part), shift);
      _mm512_storeu_si512(to, _mm512_add_epi64(_mm512_loadu_si512(to), add));
    }
}

#endif

}  // namespace moerae::detail
