#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace moerae {

/// Columns of the product are packed, and sums asked for, in blocks of so many.
inline constexpr std::size_t column_block = 32;

/// Small weights of R replicates over C clusters, as the product reads them: groups of 8 replicates, clusters
/// in pairs. |weight| at most 16,383.
class PackedWeights {
 public:
  PackedWeights(std::span<std::int16_t const> weights, std::size_t clusters);  ///< [R, C]

  [[nodiscard]] std::size_t replicates() const { return replicates_; }
  [[nodiscard]] std::size_t clusters() const { return clusters_; }
  [[nodiscard]] std::int32_t largest() const { return largest_; }  ///< |weight|, at least 1
  /// Of replicates 8 g to 8 g + 7: [ceil(C/2), 8], each two weights of int16.
  [[nodiscard]] std::int32_t const* group(std::size_t g) const { return words_.data() + g * pairs_ * 8; }

 private:
  std::size_t replicates_, clusters_, pairs_;
  std::int32_t largest_ = 1;
  std::vector<std::int32_t> words_;
};

/// Integers [C, E] as the product reads them, packed once and used for many blocks of replicates: blocks of
/// 32 columns, each as so many 16-bit signed digits as its largest value needs (counts: one). Every int64 is
/// allowed.
class PackedColumns {
 public:
  /// Writes row c of the columns into its argument [E]; called twice for every row, with zeros in it.
  using FillRow = std::function<void(std::size_t c, std::span<std::int64_t> row)>;
  PackedColumns(std::size_t clusters, std::size_t columns, FillRow const& fill);
  PackedColumns(std::size_t clusters, std::size_t columns, std::span<std::int64_t const> values);

  [[nodiscard]] std::size_t clusters() const { return clusters_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] int digits(std::size_t block) const { return blocks_[block].digits; }
  /// Digit d of a block, worth 2^(16 d): [ceil(C/2), 32 columns, 2 clusters].
  [[nodiscard]] std::int16_t const* digit(std::size_t block, int d) const {
    return words_.data() + blocks_[block].first + static_cast<std::size_t>(d) * pairs_ * 2 * column_block;
  }

 private:
  struct Block {
    std::size_t first = 0;
    int digits = 0;  ///< none: all zero
  };
  std::size_t clusters_, columns_, pairs_;
  std::vector<Block> blocks_;
  std::vector<std::int16_t> words_;
};

/// Machine code of the product. All give the same integers.
enum class ProductPath { portable, avx2, avx512_vnni };
/// Those that this processor has, slowest first.
[[nodiscard]] std::span<ProductPath const> product_paths();

/// sums[r, e] = sum over c of weights[r, c] * columns[c, first + e]: exact where it fits into int64 (else
/// modulo 2^64). `sums` [R, n] is overwritten; `first` is a multiple of `column_block`. This is the inner
/// loop of the bootstrap, of half-samples and of permutations.
void integer_product(PackedWeights const& weights, PackedColumns const& columns, std::size_t first,
                     std::size_t n, std::span<std::int64_t> sums, ProductPath path = product_paths().back());

}  // namespace moerae
