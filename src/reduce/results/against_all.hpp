#pragma once

#include <string>

#include "reduce/results/score.hpp"

namespace moerae {

/// a:b/c as a row, out of those of its parts: more in a than in every other set. The smallest of the scores
/// and, of two tests of one expert that both must reject, the larger p (intersection-union; Berger 1982).
[[nodiscard]] Score against_all(std::string const& criterion, ContrastOptions::Pair const& groups,
                                Scores const& scores);

}  // namespace moerae
