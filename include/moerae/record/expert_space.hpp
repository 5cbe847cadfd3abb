#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moerae {

/// Which experts a model has: the axes of usage and of every score.
struct ExpertSpace {
  std::vector<std::int32_t> layers;  ///< [L] decoder index of each MoE layer, ascending
  std::int32_t experts = 0;          ///< K, of every layer
  std::int32_t top_k = 0;            ///< k experts a token and layer

  [[nodiscard]] std::size_t size() const { return layers.size() * static_cast<std::size_t>(experts); }
  [[nodiscard]] std::size_t index(std::size_t layer, std::size_t expert) const {
    return layer * static_cast<std::size_t>(experts) + expert;
  }
  friend bool operator==(ExpertSpace const&, ExpertSpace const&) = default;
};

}  // namespace moerae
