#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace moerae {

/// Spearman's rank correlation, equal values share the mean of their ranks; nothing where either is constant.
[[nodiscard]] std::optional<double> spearman(std::span<double const> x, std::span<double const> y);

/// The n highest, ties by lowest index; ascending indices.
[[nodiscard]] std::vector<std::size_t> top_of(std::span<double const> score, std::size_t n);

/// Members of both / members of either; nothing where both are empty. Ascending, each once.
[[nodiscard]] std::optional<double> jaccard(std::span<std::size_t const> x, std::span<std::size_t const> y);

}  // namespace moerae
