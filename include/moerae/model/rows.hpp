#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

namespace moerae {

/// Consecutive rows of a pass that see each other, and the past they continue.
struct Sequence {
  std::int64_t first = 0, count = 0;  ///< rows of the pass
  std::int64_t past = 0;              ///< positions before the first row; the cache holds them
  int slot = -1;                      ///< of the cache; -1: nothing is kept
  [[nodiscard]] std::int64_t reached() const { return past + count; }
};

/// The rows of one pass: sequences packed one after another without padding. Zero rows are valid: the rank
/// takes part in the exchanges of its group.
struct Rows {
  torch::Tensor tokens;     // [T] int64
  torch::Tensor positions;  // [T] int64, of a row in its sequence: past, past + 1, ...
  std::vector<Sequence> sequences;
  torch::Tensor condition;  // [T] int64, row of the tables of the edits; undefined: row 0 for all

  /// What a sequence brings to a pass.
  struct Part {
    std::span<std::uint32_t const> tokens;
    std::int64_t past = 0;
    int slot = -1;
  };
  [[nodiscard]] static Rows of(std::vector<Part> const& parts);
  [[nodiscard]] std::int64_t size() const { return tokens.size(0); }
};

}  // namespace moerae
