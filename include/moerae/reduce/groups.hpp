#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moerae/reduce/stability.hpp"

namespace moerae {

/// Experts grouped by where they are stably among the most used (SAFEx, arXiv 2506.17368).
///   hcdg (harmful content detection)  E_top(regular) and E_top(jailbreak); score min of the two frequencies
///   hcdg-minus-benign                 the same without E_top(benign)
///   hrcg (harmful response control)   E_top(regular) and rarely in the top of jailbreak (frequency <= 1 -
///   tau); score
///                                     f_regular - f_jailbreak. Preset paper: E_top(regular) minus
///                                     E_top(jailbreak)
///   hrcg-undetermined                 E_top(regular), jailbreak in between; empty under preset paper
struct SafetyGroup {
  std::string name;
  std::vector<double> score;         ///< [L*K], of all experts
  std::vector<std::size_t> members;  ///< ascending indices
};

inline constexpr std::string_view safety_groups[] = {"hcdg", "hcdg-minus-benign", "hrcg",
                                                     "hrcg-undetermined"};

/// The four, in the order of `safety_groups`; without `benign` (null) the second is left out.
[[nodiscard]] std::vector<SafetyGroup> form_groups(Stability const& regular, Stability const& jailbreak,
                                                   Stability const* benign);

/// Sizes that the groups reach when two random halves of the benign clusters take the place of regular and
/// jailbreak: what sampling alone gives. A plain difference of selected sets finds experts there, too.
struct NoiseFloor {
  std::string group;
  std::vector<std::int64_t> sizes;  ///< one per random split
  [[nodiscard]] double mean() const;
  [[nodiscard]] std::int64_t largest() const;
};

inline constexpr int noise_splits = 5;

/// Splits keyed by (seed, split, cluster id). Collective, as stability_selection. Empty with fewer than 4
/// benign clusters: halves of one cluster cannot be resampled.
[[nodiscard]] std::vector<NoiseFloor> noise_floor(mpi::Comm const& comm, UsageTable const& benign,
                                                  Stability const& benign_selected, std::uint64_t seed);

}  // namespace moerae
