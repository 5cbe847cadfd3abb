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

/// Every artefact of a run against its manifest: every entry exists and has its size, file hash and content
/// hash; no file of corpus, record* or reduce* is missing from the manifest; stage.json agrees with its hash;
/// no temporaries. Collective: entries are dealt out to the ranks, and all of them return the same list,
/// sorted by path (empty = sound). Reads everything, changes nothing. ConfigError when `run` is no folder.
[[nodiscard]] std::vector<Problem> verify(std::filesystem::path const& run, mpi::Comm const& comm);

}  // namespace moerae::store
