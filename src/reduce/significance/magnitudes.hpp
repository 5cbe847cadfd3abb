#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reduce/significance/statistic.hpp"

namespace moerae::detail {

/// Which replicates a rank takes, and how many at a time. All ranks make the same number of rounds, the last
/// ones perhaps with nothing to do.
struct Share {
  std::uint32_t first, last;  ///< replicates of this rank
  std::uint32_t block;        ///< at a time
  std::uint32_t rounds;
};
[[nodiscard]] Share share_of(std::int64_t replicates, int rank, int ranks, std::size_t bytes_of_replicate,
                             std::size_t memory);

/// |T| of one statistic under every labelling of a block, expert by expert of the model as tiles come in.
class Magnitudes {
 public:
  /// `experts` of the model.
  Magnitudes(std::size_t replicates, std::size_t experts)
      : experts_(experts), values_(replicates * experts) {}
  /// T of experts `first` on; `labels` [n, U].
  void fill(Statistic const& statistic, std::span<Label const> labels, std::size_t units, std::size_t first,
            std::size_t experts);
  [[nodiscard]] std::span<float const> values() const { return values_; }  ///< [n, E]

 private:
  std::size_t experts_;
  std::vector<float> values_;
  std::vector<double> t_;
};

[[nodiscard]] inline float magnitude(double t) {
  return static_cast<float>(t < 0 ? -t : t);
}

}  // namespace moerae::detail
