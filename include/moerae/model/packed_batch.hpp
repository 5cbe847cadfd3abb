#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

namespace moerae {

/// Sequences packed one after another without padding. A batch of zero tokens is valid: its rank takes part
/// in the exchanges of its group.
struct PackedBatch {
  torch::Tensor tokens;               // [T] int64
  torch::Tensor positions;            // [T] int64, from 0 in every sequence
  std::vector<std::int64_t> offsets;  // [sequences + 1], 0 .. T

  [[nodiscard]] std::int64_t size() const { return offsets.back(); }
  [[nodiscard]] std::size_t sequences() const { return offsets.size() - 1; }
  [[nodiscard]] static PackedBatch of(std::vector<std::span<std::uint32_t const>> const& sequences);
};

}  // namespace moerae
