#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "moerae/model/plan.hpp"
#include "moerae/model/rows.hpp"

namespace moerae {

/// Rows of consecutive positions of one slot: of all up to its capacity, or, behind a window, of the last
/// ones only.
class PositionBuffer {
 public:
  PositionBuffer() = default;
  /// [heads, kept, width], kept = capacity, or window - 1 where that is less: what a new row sees before
  /// itself.
  PositionBuffer(std::int64_t heads, std::int64_t capacity, std::optional<std::int64_t> window,
                 std::int64_t width, torch::TensorOptions const& options);
  /// Adds rows [heads, t, width] of positions past, past + 1, ... and returns them behind what is kept of the
  /// past: [heads, min(past, kept) + t, width], in order. A view of the buffer where it holds all positions.
  [[nodiscard]] torch::Tensor extend(torch::Tensor const& rows, std::int64_t past);
  [[nodiscard]] std::int64_t bytes() const {
    return rows_.defined() ? static_cast<std::int64_t>(rows_.nbytes()) : 0;
  }

 private:
  torch::Tensor rows_;
  bool ring_ = false;  // position p lies at p % kept
};

/// What one layer keeps of one slot: rotated keys and values; with latent attention the normed low-rank
/// vector and the rotated key that all heads share, as one row in `keys`.
struct CachedSlot {
  PositionBuffer keys, values;
};

using LayerCache = std::vector<CachedSlot>;  // [slots]

/// Keys and values of the sequences that a rank continues. All memory is taken when it is made and never
/// grows. A pass with a cache has no gradient.
class KvCache {
 public:
  /// capacity: positions of each slot.
  KvCache(ModelPlan const& plan, std::vector<std::int64_t> capacity, torch::TensorOptions const& options);

  /// Takes the rows of a pass on, before anything is computed: every sequence with a slot starts it anew
  /// (past = 0) or goes on where it stands. Throws std::logic_error on any other past, a slot named twice,
  /// more positions than it has, or where gradients are on.
  void admit(Rows const& rows);
  [[nodiscard]] LayerCache& layer(LayerId layer) { return layers_[static_cast<std::size_t>(layer.value)]; }
  [[nodiscard]] std::int64_t bytes() const;

 private:
  std::vector<std::int64_t> capacity_, reached_;  // [slots]
  std::vector<LayerCache> layers_;                // [layers]
};

/// Bytes that a KvCache takes, without taking them.
[[nodiscard]] std::int64_t cache_bytes(ModelPlan const& plan, std::span<std::int64_t const> capacity,
                                       std::int64_t element_bytes);

}  // namespace moerae
