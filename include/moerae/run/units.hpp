#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace moerae::run {

/// One fixed unit of work: computed, published and resumed whole. Which units there are follows from the
/// study alone, whatever the number of ranks.
struct Unit {
  std::vector<std::string> files;  ///< that it publishes, relative to the folder of the stage
  std::size_t steps = 0;           ///< of a group that computes it
  std::int64_t amount = 0;         ///< of work, in what the stage counts its progress in
};

/// Indices of units.
using UnitSet = std::set<std::size_t>;

/// Of the units that are not in `done`.
[[nodiscard]] std::int64_t open_amount(std::span<Unit const> units, UnitSet const& done);

/// `expert_width` consecutive units, one for each rank of an expert group, whose steps meet in lockstep: what
/// is computed beside a row can change its bits, so this is fixed by the plan, whoever computes it and
/// whenever.
struct Bundle {
  static constexpr std::size_t nothing = static_cast<std::size_t>(-1);
  struct Part {
    std::size_t unit = nothing;  ///< nothing: the member takes part with zero tokens
    bool done = false;           ///< published already: computed for its neighbours, not written again
  };
  std::vector<Part> parts;  ///< [expert_width]
  std::size_t steps = 0;    ///< of the longest unit
};

/// Consecutive units first .. last - 1.
struct UnitRange {
  std::size_t first, last;
};

/// The bundles with at least one unit that is not in `done`, in order.
[[nodiscard]] std::vector<Bundle> open_bundles(std::span<Unit const> units, UnitSet const& done,
                                               int expert_width);
/// Of some of the units only.
[[nodiscard]] std::vector<Bundle> open_bundles(std::span<Unit const> units, UnitRange range,
                                               UnitSet const& done, int expert_width);

/// Bundles group, group + groups, ... : the share of one data group.
[[nodiscard]] std::vector<Bundle> share_of(std::vector<Bundle> const& bundles, int group, int groups);

}  // namespace moerae::run
