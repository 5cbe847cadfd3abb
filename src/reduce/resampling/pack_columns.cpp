#include <algorithm>

#include "moerae/base/check.hpp"
#include "reduce/resampling/integer_product.hpp"

namespace moerae {
namespace {

/// Splits off the lowest digit, -32768 .. 32767; what is left is `value`'s multiple of 2^16. Modulo 2^64 four
/// digits stand for every int64: what the last one carries over is a multiple of 2^64.
std::int16_t take_digit(std::int64_t& value) {
  auto const digit = static_cast<std::int16_t>(value & 0xffff);
  value = (value >> 16) + (digit < 0 ? 1 : 0);
  return digit;
}

int digits_of(std::int64_t value) {
  int n = 0;
  for (; value != 0 && n < 4; ++n) (void)take_digit(value);
  return n;
}

}  // namespace

PackedColumns::PackedColumns(std::size_t clusters, std::size_t columns, FillRow const& fill)
    : clusters_(clusters),
      columns_(columns),
      pairs_((clusters + 1) / 2),
      blocks_((columns + column_block - 1) / column_block) {
  std::vector<std::int64_t> row(columns), low(blocks_.size(), 0), high(blocks_.size(), 0);
  auto const read = [&](std::size_t c) {
    std::ranges::fill(row, 0);
    fill(c, row);
  };
  for (std::size_t c = 0; c < clusters; ++c) {
    read(c);
    for (std::size_t e = 0; e < columns; ++e) {
      auto const block = e / column_block;
      low[block] = std::min(low[block], row[e]);
      high[block] = std::max(high[block], row[e]);
    }
  }
  std::size_t const digit_size = pairs_ * 2 * column_block;
  std::size_t total = 0;
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    blocks_[b] = {total, std::max(digits_of(low[b]), digits_of(high[b]))};
    total += static_cast<std::size_t>(blocks_[b].digits) * digit_size;
  }
  words_.assign(total, 0);
  for (std::size_t c = 0; c < clusters; ++c) {
    read(c);
    for (std::size_t e = 0; e < columns; ++e) {
      auto const& block = blocks_[e / column_block];
      auto* const out = words_.data() + block.first + c / 2 * 2 * column_block + e % column_block * 2 + c % 2;
      for (int d = 0; d < block.digits; ++d)
        out[static_cast<std::size_t>(d) * digit_size] = take_digit(row[e]);
    }
  }
}

PackedColumns::PackedColumns(std::size_t clusters, std::size_t columns, std::span<std::int64_t const> values)
    : PackedColumns(clusters, columns, [&](std::size_t c, std::span<std::int64_t> row) {
        expect(values.size() == clusters * columns, "{} values are not {} rows of {}", values.size(),
               clusters, columns);
        std::ranges::copy(values.subspan(c * columns, columns), row.begin());
      }) {}

}  // namespace moerae
