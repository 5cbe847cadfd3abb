#pragma once

#include <compare>
#include <cstdint>

namespace moerae {

/// An integer that cannot be mistaken for another kind of integer; `Tag` is never defined.
template <class Tag, class Int>
struct Id {
  using value_type = Int;
  Int value{};
  constexpr Id() = default;
  constexpr explicit Id(Int v) : value(v) {}
  friend constexpr auto operator<=>(Id, Id) = default;
};

using LayerId = Id<struct LayerTag, std::int32_t>;     ///< decoder index, dense layers counted
using ExpertId = Id<struct ExpertTag, std::int32_t>;   ///< 0..K-1 inside its layer
using PromptId = Id<struct PromptTag, std::uint64_t>;  ///< corpus.h5 prompt_id
using ShardId = Id<struct ShardTag, std::int32_t>;     ///< 0..shards-1 of the plan

}  // namespace moerae
