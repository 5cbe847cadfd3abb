#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moerae {

/// Consecutive layers of an ExpertSpace, by their position in `layers`.
struct LayerRange {
  std::size_t first = 0, n = 0;
};

/// Which experts a model has: the axes of usage and of every score.
struct ExpertSpace {
  std::vector<std::int32_t> layers;  ///< [L] decoder index of each MoE layer, ascending
  std::int32_t experts = 0;          ///< K, of every layer
  std::int32_t top_k = 0;            ///< k experts a token and layer

  [[nodiscard]] std::size_t size() const { return layers.size() * static_cast<std::size_t>(experts); }
  [[nodiscard]] std::size_t index(std::size_t layer, std::size_t expert) const {
    return layer * static_cast<std::size_t>(experts) + expert;
  }
  [[nodiscard]] LayerRange all() const { return {0, layers.size()}; }
  /// The same experts of some layers only.
  [[nodiscard]] ExpertSpace part(LayerRange range) const {
    auto const from = layers.begin() + static_cast<std::ptrdiff_t>(range.first);
    return {{from, from + static_cast<std::ptrdiff_t>(range.n)}, experts, top_k};
  }
  friend bool operator==(ExpertSpace const&, ExpertSpace const&) = default;
};

}  // namespace moerae
