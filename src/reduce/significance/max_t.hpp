#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "moerae/mpi/comm.hpp"

namespace moerae {

/// Permutation p values from blocks of replicates, as counts: sums over blocks and ranks in any order.
/// Adjusted: step-down max-T (Westfall and Young 1993, algorithm 4.1; Ge, Dudoit and Speed 2003, box 3),
/// which bounds the chance of one false rejection among all experts, whatever their dependence:
///   p_adj(e) = (1 + #{b: max over e' not yet rejected |T_b[e']| >= |T[e]|}) / (B + 1), made monotone
/// Marginal: p(e) = (1 + #{b: |T_b[e]| >= |T[e]|}) / (B + 1).
/// All |T| are float, so that observed and permuted values are compared as the same number.
class MaxT {
 public:
  explicit MaxT(std::vector<float> observed);  ///< |T| [E]

  void add(std::span<float const> replicates);  ///< |T_b| [n, E]
  /// Adds up the counts of all ranks. Collective; once, after the last `add`.
  void sum(mpi::Comm const& comm);

  [[nodiscard]] std::span<float const> observed() const { return observed_; }
  [[nodiscard]] std::vector<double> adjusted(std::int64_t permutations) const;  ///< [E]
  [[nodiscard]] std::vector<double> marginal(std::int64_t permutations) const;  ///< [E]

 private:
  std::vector<float> observed_;
  std::vector<std::uint32_t> order_;  ///< experts by falling |T|
  std::vector<std::int64_t> step_down_, alone_;
};

/// Smallest false discovery rate at which each is called (Benjamini and Hochberg 1995): q = min over p' >= p
/// of m p' / rank(p'). Holds for independent and for positively dependent p; dependence of experts is not
/// proven to be of that kind.
[[nodiscard]] std::vector<double> benjamini_hochberg(std::span<double const> p);

}  // namespace moerae
