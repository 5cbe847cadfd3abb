#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moerae/store/file.hpp"

namespace moerae {

/// Scores of all experts of the model [L*K] by one criterion.
struct NamedScores {
  std::string name;
  std::span<double const> score;
};
/// An expert set: ascending indices.
struct NamedSet {
  std::string name;
  std::vector<std::size_t> members;
};

/// Symmetric [n, n]; empty where undefined.
using AgreementMatrix = std::vector<std::optional<double>>;

/// How far criteria say the same.
struct Agreement {
  std::vector<std::string> scores;
  AgreementMatrix spearman;  ///< of the scores of all experts; undefined where a score is constant
  AgreementMatrix jaccard;   ///< of the `size` highest of each, ties by (layer, expert); undefined likewise
  std::size_t size = 0;
  std::vector<std::string> sets;
  std::vector<std::size_t> set_sizes;
  AgreementMatrix set_jaccard;  ///< of the expert sets as written; undefined where both are empty
};

/// `size` 1 .. number of experts; all scores of the same experts.
[[nodiscard]] Agreement agreement(std::vector<NamedScores> const& scores, std::size_t size,
                                  std::vector<NamedSet> const& sets);

/// agreement/{name, spearman, spearman_defined, jaccard, jaccard_defined} and agreement/sets/{name, size,
/// jaccard, jaccard_defined}; 0 where undefined; `size` is an attribute of agreement/jaccard. Without scores
/// or sets their part is left out.
void write_agreement(store::File& file, Agreement const& agreement);

}  // namespace moerae
