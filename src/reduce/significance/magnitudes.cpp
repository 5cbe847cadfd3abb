#include "reduce/significance/magnitudes.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"

namespace moerae::detail {
namespace {

constexpr std::size_t rows_at_once = 256;

}  // namespace

Share share_of(std::int64_t replicates, int rank, int ranks, std::size_t bytes_of_replicate,
               std::size_t memory) {
  auto const each = (replicates + ranks - 1) / ranks;
  auto const first = std::min(replicates, each * rank), last = std::min(replicates, first + each);
  auto const fit = static_cast<std::int64_t>(memory / std::max<std::size_t>(1, bytes_of_replicate));
  auto const block = std::clamp<std::int64_t>(fit, 1, std::max<std::int64_t>(1, each));
  return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last),
          static_cast<std::uint32_t>(block), static_cast<std::uint32_t>((each + block - 1) / block)};
}

void Magnitudes::fill(Statistic const& statistic, std::span<Label const> labels, std::size_t units,
                      std::size_t first, std::size_t experts) {
  auto const replicates = values_.size() / experts_;
  expect(labels.size() == replicates * units && first + experts <= experts_,
         "{} labels of {} replicates; experts {} to {} of {}", labels.size(), replicates, first,
         first + experts, experts_);
  for (std::size_t r = 0; r < replicates; r += rows_at_once) {
    auto const rows = std::min(rows_at_once, replicates - r);
    t_.resize(rows * experts);
    statistic.evaluate(labels.subspan(r * units, rows * units), t_);
    for (std::size_t i = 0; i < rows; ++i)
      std::transform(t_.begin() + static_cast<std::ptrdiff_t>(i * experts),
                     t_.begin() + static_cast<std::ptrdiff_t>((i + 1) * experts),
                     values_.begin() + static_cast<std::ptrdiff_t>((r + i) * experts_ + first), magnitude);
  }
}

}  // namespace moerae::detail
