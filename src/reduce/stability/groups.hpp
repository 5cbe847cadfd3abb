#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "reduce/stability/stability_stream.hpp"

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
};

inline constexpr int noise_splits = 5;

/// The noise floor from tiles of whole layers, as StabilityStream takes them. Splits are keyed by (seed,
/// split, cluster id): what stands beside a cluster, tiles and ranks do not matter.
class NoiseFloorStream {
 public:
  /// `space`: of the whole model; `rule` on usage. `comm` must outlive the object. Collective; throws as
  /// StabilityStream.
  NoiseFloorStream(mpi::Comm const& comm, ExpertSpace const& space, StabilityRule const& rule,
                   std::uint64_t seed, std::size_t bytes = std::size_t{1} << 30);

  /// Usage of the benign set in some layers. Collective.
  void add(UsageTable const& benign);
  /// `benign_selected`: of the whole benign set. Empty with fewer than 4 benign clusters: halves of one
  /// cluster cannot be resampled. Collective, once.
  [[nodiscard]] std::vector<NoiseFloor> finish(Stability const& benign_selected);

 private:
  std::uint64_t seed_;
  std::deque<StabilityStream> halves_;  // two of each split
  bool too_few_ = false;
};

}  // namespace moerae
