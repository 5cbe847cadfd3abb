#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "moerae/evaluate/condition.hpp"
#include "moerae/evaluate/generator.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/record/shard_record.hpp"

namespace moerae {

/// The replies of the base condition, `none`, to the prompts of a shard, as published: what another condition
/// does not touch keeps them.
struct BaseReplies {
  ShardRecord record;          ///< usage; with the routing of every token where that was kept
  std::vector<Reply> replies;  ///< [P], kept ones
};

/// Reads the file of a shard; nothing where its replies were removed once they were judged (Keep::labels).
/// DataError where it is damaged or does not answer these prompts in this order.
[[nodiscard]] std::optional<BaseReplies> read_base_replies(std::filesystem::path const& path,
                                                           std::span<std::uint64_t const> prompt_ids);

/// [P] whether the condition can change nothing on the way through a prompt and its reply of the base, so
/// that this is its reply, too: no token that it acts on chose one of its experts, and not being chosen is
/// all that counts. A factor on weights that are not applied is none; masking and lowering depend on the
/// router (spares_other_tokens); raised and forced experts are chosen wherever they were not.
[[nodiscard]] std::vector<bool> untouched(BaseReplies const& base, Condition const& condition, Phase phase,
                                          ModelPlan const& plan);

/// Writes usage and routing of prompt i of the base over those of the same prompt in `record`.
void take_over(ShardRecord const& base, std::size_t i, ShardRecord& record);

}  // namespace moerae
