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

/// Sees the decision actually used, layer by layer (design decision 2). Rows are those of the batch at hand.
class RoutingTap {
 public:
  virtual ~RoutingTap() = default;
  [[nodiscard]] virtual bool wants_logits() const = 0;
  virtual void on_routing(RoutingRows const& rows) = 0;
};

}  // namespace moerae
