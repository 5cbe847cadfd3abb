#pragma once

#include <cstdint>

namespace moerae {

/// The routed experts of one layer as they are spread over an expert group: contiguous blocks, as even as can
/// be.
struct ExpertShare {
  std::int64_t experts = 0;
  int width = 1;   ///< ranks of the group
  int member = 0;  ///< the rank whose share is meant

  /// First expert of a member; `first(width)` is the number of experts.
  [[nodiscard]] std::int64_t first(int of) const { return experts * of / width; }
  [[nodiscard]] std::int64_t begin() const { return first(member); }
  [[nodiscard]] std::int64_t end() const { return first(member + 1); }
  [[nodiscard]] int owner(std::int64_t expert) const;
};

}  // namespace moerae
