#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <vector>

#include "moerae/corpus/shards.hpp"

namespace moerae {

/// `expert_width` consecutive shards, one for each rank of an expert group, whose batches meet in lockstep:
/// what is computed beside a row can change its bits, so this is fixed by the plan, whoever computes it and
/// whenever.
struct Bundle {
  struct Part {
    Shard const* shard = nullptr;  ///< null: the member takes part with zero tokens
    bool done = false;             ///< published already: computed for its neighbours, not written again
  };
  std::vector<Part> parts;  ///< [expert_width]
  std::size_t steps = 0;    ///< batches of the longest shard
};

/// The bundles with at least one shard that is not in `done`, in order. The shards must outlive them.
[[nodiscard]] std::vector<Bundle> open_bundles(std::span<Shard const> shards,
                                               std::set<std::int32_t> const& done, int expert_width);

/// Bundles group, group + groups, ... : the share of one data group.
[[nodiscard]] std::vector<Bundle> share_of(std::vector<Bundle> const& bundles, int group, int groups);

/// Batches of all bundles.
[[nodiscard]] std::size_t count_steps(std::span<Bundle const> bundles);

}  // namespace moerae
