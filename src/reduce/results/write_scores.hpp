#pragma once

#include <filesystem>

#include "moerae/store/provenance.hpp"
#include "reduce/results/score.hpp"

namespace moerae {

/// scores.h5: layout in the format description of the run directory. Rank 0 only.
void write_scores(std::filesystem::path const& path, Scores const& scores,
                  store::Provenance const& provenance);

}  // namespace moerae
