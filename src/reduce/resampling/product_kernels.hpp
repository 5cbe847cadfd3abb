#pragma once

#include <cstddef>
#include <cstdint>

namespace moerae::detail {

/// A tile of the product: 8 replicates by one block of 32 columns.
struct ProductTile {
  std::int32_t const* weights;  ///< [pairs, 8], two int16 each
  std::int16_t const* columns;  ///< [pairs, 32, 2]
  std::size_t pairs;            ///< few enough for sums of 32 bits
  int shift;                    ///< worth of the digit: 2^shift
  std::uint64_t* sums;          ///< [8, 32], added to modulo 2^64
};

using ProductKernel = void (*)(ProductTile const& tile);

void product_portable(ProductTile const& tile);
#if defined(__x86_64__)
void product_avx2(ProductTile const& tile);
void product_avx512_vnni(ProductTile const& tile);
#endif

}  // namespace moerae::detail
