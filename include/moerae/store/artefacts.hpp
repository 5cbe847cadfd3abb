#pragma once

#include <string>
#include <string_view>

namespace moerae::store {

/// What the manifest knows of a kind of file.
enum class Listing {
  none,      ///< nothing: it is no result, or carries a hash of its own
  required,  ///< every file has its entry
  adopted    ///< also, complete files of a killed writer that did not list them get their entry later
};

/// A kind of file that a run directory may hold.
struct Artefact {
  std::string_view stage;    ///< whose it is; its name in the manifest
  bool in_stage;             ///< below RUN/STAGE or RUN/STAGE-xxxxxxxx; else below RUN
  std::string_view pattern;  ///< of the path below that, as in fnmatch; `*` does not cross a slash
  Listing listing;
};

// One table has every kind there is (artefacts.cpp): adoption, `verify` and whoever looks for shards go by it
// alone; that of moerae/files/manifest.py is the same.

/// The row of a file, by its path relative to the run with forward slashes; null: a stranger.
[[nodiscard]] Artefact const* artefact_of(std::string const& path);

/// Whether `path` is a unit of work of the stage: a file that it publishes one by one and resumes from.
[[nodiscard]] bool is_unit_of(std::string const& path, std::string_view stage);

/// Whether `folder` is one that the stage keeps its results in: STAGE or STAGE-xxxxxxxx.
[[nodiscard]] bool is_folder_of(std::string_view folder, std::string_view stage);

}  // namespace moerae::store
