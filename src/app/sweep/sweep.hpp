#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/options/read.hpp"
#include "app/sweep/options.hpp"

namespace moerae {

/// One study of a sweep, with a run directory of its own.
struct SweepCell {
  std::string name;
  std::vector<std::pair<std::string, std::string>> values;  ///< key and value as given, of what varies
  Study study;                                              ///< run.dir is sweep.dir/name
  std::map<std::string, JobOptions> jobs;                   ///< by stage: what the file says
};

struct Sweep {
  SweepOptions options;
  std::vector<SweepCell> cells;
  std::size_t excluded = 0;  ///< combinations that sweep.exclude leaves out
};

/// The file: a study in which any key may have several values, VALUE | VALUE, with the sections [sweep] and
/// [job.STAGE]. The first key varies slowest. Throws one ConfigError with all faults of the file and of
/// every cell, each once with the cells that have it.
[[nodiscard]] Sweep read_sweep(StudySource const& source);

}  // namespace moerae
