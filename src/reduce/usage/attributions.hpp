#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/model/expert_space.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/stage_dir.hpp"
#include "reduce/usage/usage_rows.hpp"

namespace moerae {

/// What `attribute` found in a run, for criteria that are made of it (Positions::drop): where it lies, and of
/// which prompts it has the drops. Nothing here is collective.
class Attributions {
 public:
  /// The stage in `folder` of `run`. DataError where a file is not as the manifest lists it, is of another
  /// stage, or has a prompt that the corpus does not have or that stands twice; ConfigError where no file is
  /// there. The corpus must outlive it.
  Attributions(std::filesystem::path run, std::filesystem::path const& folder, Corpus const& corpus);

  [[nodiscard]] store::StageDir const& stage() const { return stage_; }
  /// Over names and contents of the files.
  [[nodiscard]] std::string const& digest() const { return digest_; }
  [[nodiscard]] bool has(std::string const& criterion) const;
  [[nodiscard]] bool holds(std::size_t prompt) const { return held_[prompt]; }

  [[nodiscard]] std::size_t files() const { return files_.size(); }
  /// Files that an attribution which was stopped has yet to write. DataError where its stage does not say.
  [[nodiscard]] std::size_t missing() const;
  /// Adds the drops of file i to the mass of `tables`, which have these layers of `space`.
  void add_file(std::size_t i, std::string const& criterion, ExpertSpace const& space, LayerRange layers,
                UsageLayout const& layout, std::vector<UsageTable>& tables) const;

 private:
  struct Part {
    store::Entry entry;
    std::vector<std::size_t> prompts;  // indices in the corpus
  };
  std::filesystem::path run_;
  store::StageDir stage_;
  std::string digest_;
  std::vector<Part> files_;
  std::vector<bool> held_;  // [P]
};

}  // namespace moerae
