#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moerae/mpi/comm.hpp"

namespace moerae::store {

/// One thing wrong with a run.
struct Problem {
  std::string path;     ///< relative to the run
  std::string message;  ///< what is wrong; what to do
  friend bool operator==(Problem const&, Problem const&) = default;
};

struct Verification {
  std::vector<Problem> problems;       ///< sorted by path; empty: the run is sound
  std::vector<std::string> strangers;  ///< files that no stage writes and none reads, sorted
};

/// Every file of a run against its manifest and the table of artefacts: every entry exists and has its size,
/// file hash and content hash; no file that must be listed is missing from the manifest; stage.json agrees
/// with its hash; no temporaries. Collective: entries are dealt out to the ranks, and all of them return the
/// same. Reads everything, changes nothing. ConfigError when `run` is no folder.
[[nodiscard]] Verification verify(std::filesystem::path const& run, mpi::Comm const& comm);

}  // namespace moerae::store
