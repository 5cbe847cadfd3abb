#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "moerae/base/ids.hpp"

namespace moerae {

/// What the router of one layer decided for consecutive rows of a batch, on host memory. Ids ascend within a
/// row.
struct RoutingRows {
  LayerId layer;
  std::size_t rows = 0;
  std::size_t top_k = 0;
  std::span<std::int64_t const> experts;  ///< [rows, top_k]
  std::span<float const> weights;         ///< [rows, top_k], as applied to the experts' outputs
  std::span<float const> logits;          ///< [rows, K], or empty where not asked for
};

}  // namespace moerae
