#include "reduce/resampling/integer_product.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "moerae/base/random.hpp"

namespace moerae {
namespace {

/// Numbers of every size up to `bits` bits, of both signs.
std::vector<std::int64_t> random_values(std::size_t n, int bits, std::uint32_t stream) {
  std::vector<std::int64_t> values;
  for (std::uint32_t i = 0; i < n; ++i) {
    auto const size = 64 - random_below(random_bits(7, stream, i, 1), static_cast<std::uint64_t>(bits) + 1);
    auto const magnitude = size == 64 ? 0 : random_bits(7, stream, i, 0) >> size;
    auto const value = static_cast<std::int64_t>(magnitude);
    values.push_back(random_bits(7, stream, i, 2) % 2 == 0 ? value : -value);
  }
  return values;
}

/// By the definition, modulo 2^64.
template <class W>
std::vector<std::int64_t> naive(std::vector<W> const& weights, std::vector<std::int64_t> const& x,
                                std::size_t clusters, std::size_t columns) {
  auto const replicates = weights.size() / clusters;
  std::vector<std::int64_t> sums;
  for (std::size_t r = 0; r < replicates; ++r)
    for (std::size_t e = 0; e < columns; ++e) {
      std::uint64_t sum = 0;
      for (std::size_t c = 0; c < clusters; ++c)
        sum += static_cast<std::uint64_t>(std::int64_t{weights[r * clusters + c]}) *
               static_cast<std::uint64_t>(x[c * columns + e]);
      sums.push_back(static_cast<std::int64_t>(sum));
    }
  return sums;
}

template <class W>
void compare(std::vector<W> const& weights, std::vector<std::int64_t> const& x, std::size_t clusters,
             std::size_t columns) {
  PackedWeights const w(std::span<W const>(weights), clusters);
  PackedColumns const packed(clusters, columns, x);
  auto const expected = naive(weights, x, clusters, columns);
  for (auto const path : product_paths()) {
    std::vector<std::int64_t> sums(expected.size(), -1);
    integer_product(w, packed, 0, columns, sums, path);
    ASSERT_EQ(sums, expected) << "path " << static_cast<int>(path) << ", [" << weights.size() / clusters
                              << ", " << clusters << "] x " << columns;
  }
}

TEST(IntegerProduct, EqualsTheDefinitionAtOddSizesAndEverySizeOfNumber) {
  struct Shape {
    std::size_t replicates, clusters, columns;
  };
  for (auto const [r, c, e] : {Shape{1, 1, 1}, {2, 3, 5}, {8, 2, 32}, {9, 7, 33}, {13, 41, 95}, {3, 64, 64}})
    for (int const bits : {1, 14, 15, 16, 17, 31, 32, 48, 63, 64}) {
      auto const x = random_values(c * e, bits, static_cast<std::uint32_t>(bits));
      std::vector<std::int16_t> labels;
      std::vector<std::int16_t> counts;
      for (std::uint32_t i = 0; i < r * c; ++i) {
        labels.push_back(static_cast<std::int16_t>(random_bits(9, 1, i, 0) % 2));
        counts.push_back(static_cast<std::int16_t>(random_below(random_bits(9, 2, i, 0), 32767)) - 16383);
      }
      compare(labels, x, c, e);
      compare(counts, x, c, e);
    }
}

TEST(IntegerProduct, ExtremesDoNotOverflowTheSumsOf32Bits) {
  constexpr auto low = std::numeric_limits<std::int64_t>::min(),
                 high = std::numeric_limits<std::int64_t>::max();
  std::size_t const clusters = 2501;
  for (auto const value : {low, high, std::int64_t{-32768}, std::int64_t{32767}, std::int64_t{-2147483648}})
    for (std::int16_t const weight : {std::int16_t{1}, std::int16_t{-16383}, std::int16_t{16383}})
      compare(std::vector<std::int16_t>(3 * clusters, weight), std::vector<std::int64_t>(clusters * 3, value),
              clusters, 3);
  compare(std::vector<std::int16_t>(clusters, 255), std::vector<std::int64_t>(clusters, -32768), clusters, 1);
}

TEST(IntegerProduct, ColumnsInTheMiddle) {
  std::size_t const clusters = 11, columns = 130;
  auto const x = random_values(clusters * columns, 40, 3);
  std::vector<std::int16_t> const labels(2 * clusters, 3);
  PackedWeights const w(labels, clusters);
  auto const all = naive(labels, x, clusters, columns);
  std::vector<std::int64_t> sums(2 * 66);
  integer_product(w, PackedColumns(clusters, columns, x), 64, 66, sums);
  for (std::size_t r = 0; r < 2; ++r)
    for (std::size_t e = 0; e < 66; ++e) EXPECT_EQ(sums[r * 66 + e], all[r * columns + 64 + e]);
}

TEST(IntegerProduct, RefusesWhatItCannotDo) {
  std::vector<std::int16_t> const heavy{16384};
  EXPECT_THROW(PackedWeights(std::span<std::int16_t const>(heavy), 1), std::logic_error);
  std::vector<std::int16_t> const labels(3, 1);
  PackedWeights const w(labels, 3);
  std::vector<std::int64_t> const x(3 * 40, 1);
  std::vector<std::int64_t> sums(8);
  EXPECT_THROW(integer_product(w, PackedColumns(3, 40, x), 8, 8, sums), std::logic_error);
  EXPECT_THROW(integer_product(w, PackedColumns(1, 40, std::span(x).first(40)), 0, 8, sums),
               std::logic_error);
}

}  // namespace
}  // namespace moerae
