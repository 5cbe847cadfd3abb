#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "moerae/base/progress.hpp"
#include "moerae/mpi/comm.hpp"
#include "moerae/mpi/mailbox.hpp"
#include "moerae/store/manifest.hpp"

namespace moerae::run {

/// Rank 0's book of what all ranks have published: the manifest of the run, and the progress. Which units are
/// done is read from there (RunFolder::finished), so that there is one truth about it.
class Ledger {
 public:
  /// `open`: the amount of work that is left, in `unit` (tokens, replies, ...). Collective.
  Ledger(mpi::Comm const& world, std::filesystem::path run, std::string stage, std::string unit,
         std::int64_t open);

  /// Called by the rank that has published a file of the stage, worth `amount`. Reads the file.
  void post(std::filesystem::path const& file, std::int64_t amount);
  /// Rank 0 enters what has arrived; cheap, called between steps. Not collective.
  void collect() { enter(mailbox_.collect()); }
  /// Enters all that was posted. Collective.
  void finish() { enter(mailbox_.finish()); }
  /// Since the construction.
  [[nodiscard]] double seconds() const { return progress_.seconds(); }

 private:
  void enter(std::vector<std::string> const& messages);

  mpi::Mailbox mailbox_;
  std::filesystem::path run_;
  std::string stage_;
  std::optional<store::Manifest> manifest_;  // of rank 0
  Progress progress_;
  std::int64_t amount_ = 0;
};

}  // namespace moerae::run
