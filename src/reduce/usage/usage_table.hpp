#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "moerae/model/expert_space.hpp"

namespace moerae {

/// Usage of every expert by one group of prompts, per cluster: the statistical unit. Integers throughout, so
/// that sums do not depend on their order. Rows ascend by cluster id.
struct UsageTable {
  std::string name;                    ///< of the prompt set
  ExpertSpace space;                   ///< L layers, K experts
  std::vector<std::int64_t> clusters;  ///< [C] ids, ascending
  std::vector<std::int64_t> tokens;    ///< [C] tokens at the chosen positions
  std::vector<std::int64_t> count;     ///< [C, L*K] tokens that selected the expert
  std::vector<std::int64_t> mass;      ///< [C, L*K] gate weight applied, units of 2^-32
  std::vector<std::int32_t> topic;     ///< [C] of the cluster's prompts; -1: unknown or not the same for all
  std::vector<std::int64_t> length;    ///< [C] tokens at the chosen positions per prompt, rounded; `last`: of
                                       ///< the prompt up to its response
  std::int64_t prompts = 0;

  UsageTable() = default;
  /// Zeros. `clusters` must ascend strictly.
  UsageTable(std::string name, ExpertSpace space, std::vector<std::int64_t> clusters);

  [[nodiscard]] std::span<std::int64_t const> count_of(std::size_t cluster) const {
    return std::span(count).subspan(cluster * space.size(), space.size());
  }
};

/// Gate weight of one unit of `mass`.
inline constexpr double mass_unit = 1.0 / 4294967296.0;

/// A table summed over its clusters.
struct UsageTotals {
  std::int64_t tokens = 0;
  std::vector<std::int64_t> count, mass;  ///< [L*K]
};
[[nodiscard]] UsageTotals totals(UsageTable const& table);

/// One side of a comparison: pooled totals, and the clusters they come from.
struct Group {
  UsageTable const& clusters;
  UsageTotals total;
  explicit Group(UsageTable const& table) : clusters(table), total(totals(table)) {}
};

/// Activation probability of every expert [L*K]: activations over tokens, pooled over the clusters
/// (p_l(e|X) = sum_i sum_t 1[e in A_l,t] / sum_i T_i, arXiv 2506.17368).
[[nodiscard]] std::vector<double> activation_probability(UsageTotals const& total);

/// Zeros in the layers of `space`, the rest as in `facts`.
[[nodiscard]] UsageTable with_layers(UsageTable const& facts, ExpertSpace space);

/// The rows `which` of values [C, width].
template <class T>
[[nodiscard]] std::vector<T> rows_of(std::vector<T> const& values, std::span<std::size_t const> which,
                                     std::size_t width = 1) {
  std::vector<T> out;
  out.reserve(which.size() * width);
  for (auto const c : which) {
    auto const start = values.begin() + static_cast<std::ptrdiff_t>(c * width);
    out.insert(out.end(), start, start + static_cast<std::ptrdiff_t>(width));
  }
  return out;
}

/// The rows `which` (indices into `clusters`, ascending) of a table; `prompts` is unknown in it: 0.
[[nodiscard]] UsageTable rows_of(UsageTable const& table, std::span<std::size_t const> which);

}  // namespace moerae
