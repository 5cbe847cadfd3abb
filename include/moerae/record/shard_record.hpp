#pragma once

#include <cstdint>
#include <vector>

#include "moerae/model/expert_space.hpp"

namespace moerae {

/// The method of `record`: raised by whoever corrects what it writes, so that old results are not taken for
/// new ones.
inline constexpr int record_method = 1;

/// Of the files that hold routing.
inline constexpr char const* routing_schema = "moerae.routing/1";

/// What one shard file holds, in memory. P prompts, T tokens, C = 3 position classes, L layers, K experts, k
/// chosen.
struct ShardRecord {
  ExpertSpace space;
  std::vector<std::uint64_t> prompt_id;  ///< [P]
  std::vector<std::int64_t> offset;      ///< [P+1] first token of each prompt
  std::vector<std::uint32_t> tokens;     ///< [P, C]
  std::vector<std::uint32_t> count;      ///< [P, C, L, K]
  std::vector<std::int64_t> mass;        ///< [P, C, L, K] gate mass in units of 2^-32
  std::vector<std::uint16_t> expert;     ///< [T, L, k] ascending within a token; empty unless routing is kept
  std::vector<float> weight;             ///< [T, L, k]; as expert
  std::vector<float> logits;             ///< [T, L, K]; empty unless all logits are kept
  std::vector<float> last_logits;  ///< [P, L, K] of the last token before the reply, NaN where a prompt has
                                   ///< none; empty unless those are kept
  /// [L, K] largest magnitude in an output of the expert (its down projection) over the tokens of the shard;
  /// 0 of one that no token chose, NaN of the last layer, whose experts a recording does not compute; empty:
  /// not kept.
  std::vector<float> largest;
};

}  // namespace moerae
