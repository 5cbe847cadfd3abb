#include <algorithm>
#include <cstdlib>

#include "moerae/base/check.hpp"
#include "reduce/resampling/integer_product.hpp"

namespace moerae {
namespace {

std::size_t rows(std::size_t values, std::size_t clusters) {
  expect(clusters > 0 && values % clusters == 0, "{} weights are not rows of {} clusters", values, clusters);
  return values / clusters;
}

std::int32_t word(std::int32_t low, std::int32_t high) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(low) & 0xffffU) |
                                   (static_cast<std::uint32_t>(high) << 16));
}

}  // namespace

PackedWeights::PackedWeights(std::span<std::int16_t const> weights, std::size_t clusters)
    : replicates_(rows(weights.size(), clusters)), clusters_(clusters), pairs_((clusters + 1) / 2) {
  words_.assign((replicates_ + 7) / 8 * pairs_ * 8, 0);
  for (std::size_t r = 0; r < replicates_; ++r) {
    auto const row = weights.subspan(r * clusters_, clusters_);
    for (auto const w : row) largest_ = std::max(largest_, std::abs(std::int32_t{w}));
    auto* const out = words_.data() + r / 8 * pairs_ * 8 + r % 8;
    for (std::size_t p = 0; p < pairs_; ++p)
      out[p * 8] = word(row[2 * p], 2 * p + 1 < clusters_ ? row[2 * p + 1] : 0);
  }
  expect(largest_ <= 16383, "weight {}: the integer product takes at most 16383", largest_);
}

}  // namespace moerae
