#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moerae/model/expert_space.hpp"
#include "moerae/store/expert_set.hpp"

namespace moerae {

/// Totals of a prompt set over the whole model, [L*K].
struct SetUsage {
  std::string name;
  std::span<std::int64_t const> count, mass;  ///< as in UsageTotals
};

/// How many controls are drawn, and how hard they are looked for.
struct ControlRule {
  std::uint32_t matched = 20, dose = 5;
  std::uint32_t tries = 300;  ///< draws of one control; the first that is matched is kept, else the nearest
  std::uint64_t seed = 0;
  std::vector<std::size_t> left_out =
      {};  ///< ascending indices [L*K] that no control may hold: super experts
};

/// What masking any experts like these would do is measured on controls:
///   matched     as many others in each layer; each drawn, without replacement, among those of its layer
///               whose usage and gate mass on both prompt sets are within a factor of 1.25, widened by 1.25
///               until there are 3. `matched` when all totals are within [.9, 1.1] of the set's
///   benign_top  the experts of each layer that the benign set uses most, outside the set, as many. One
///   dose        others of the set's layers, as many as it takes to reach the set's gate mass on the
///               evaluated prompts; k of each layer stay free. `matched` when that total is within [.9, 1.1]
/// A set of the most used experts has no match: its controls say so in their ratios. Controls are independent
/// draws; two can be the same.
struct Controls {
  std::vector<store::ControlSet> sets;  ///< in the order above; none shares an expert with the set
  std::vector<std::string> notes;       ///< what could not be drawn or matched, and why
};

/// `set`: ascending indices into [L*K]. `name` keys the draws (seed, name, kind, control, draw), so that a
/// set has the same controls whatever else is drawn. Without a benign set there is no benign_top, and only
/// the evaluated one is matched. An empty set, and one that leaves no other expert in a layer, has no
/// control: a note says why.
[[nodiscard]] Controls draw_controls(ExpertSpace const& space, std::string const& name,
                                     std::span<std::size_t const> set, SetUsage const& evaluated,
                                     std::optional<SetUsage> const& benign, ControlRule const& rule);

}  // namespace moerae
