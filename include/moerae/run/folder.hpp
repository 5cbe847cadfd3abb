#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "moerae/run/units.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae::run {

/// A run directory as one long stage sees it. Nothing here is collective: every rank looks, rank 0 makes.
class RunFolder {
 public:
  /// Finds the stage with these inputs, or where it will be; `inputs` has "model" and "corpus". Reads only.
  /// Throws ConfigError where the directory holds another study (a stage or a corpus of another corpus or
  /// model), DataError where a stage.json is damaged.
  RunFolder(std::filesystem::path dir, std::string const& stage, nlohmann::ordered_json const& inputs);

  [[nodiscard]] std::filesystem::path const& dir() const { return dir_; }
  [[nodiscard]] store::StageDir const& stage() const { return stage_; }
  [[nodiscard]] std::filesystem::path path_of(std::string const& file) const { return stage_.path / file; }

  /// Rank 0 only. Creates the folder of the run with `study` as study.ini and its copy of the corpus, removes
  /// what killed writers left, lists what they published, and creates the stage, whose stage.json says how
  /// many units and files there are. Repeating it changes nothing.
  void prepare(std::string const& study, std::filesystem::path const& corpus, std::span<Unit const> units);

  /// The units whose files are all listed in the manifest and lie complete in the folder. DataError names a
  /// file that is listed but has another size than when it was published; one that was deleted is computed
  /// anew.
  [[nodiscard]] UnitSet finished(std::span<Unit const> units) const;

  /// Refuses weights that differ from those behind a finished unit: the fingerprint of a checkpoint sees the
  /// start of every tensor only. One unit stands for all, each was compared when it was made. Throws
  /// ConfigError.
  void check_same_weights(Unit const& finished, std::string const& weights_hash) const;

 private:
  void check_same_study() const;

  std::filesystem::path dir_;
  store::StageDir stage_;
};

}  // namespace moerae::run
