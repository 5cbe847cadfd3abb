#pragma once

#include <filesystem>
#include <optional>

#include "moerae/mpi/comm.hpp"
#include "moerae/run/folder.hpp"
#include "moerae/store/provenance.hpp"
#include "moerae/tune/trainer.hpp"

namespace moerae {

/// The files of a training: checkpoints step-NNNNNN.h5, of which the two newest are kept, and adapter.h5 at
/// its end. All of it is collective over the world and throws the agreed error.
class TuneFiles {
 public:
  /// References outlive it.
  TuneFiles(mpi::Comm const& world, run::RunFolder const& folder, store::Provenance origin)
      : world_(world), folder_(folder), origin_(std::move(origin)) {}

  /// The checkpoint with the most steps; none where there is none of this training.
  [[nodiscard]] std::optional<std::filesystem::path> newest() const;
  void save(Trainer const& trainer) const;
  /// Publishes and lists the adapter; the checkpoints go.
  void finish(Trainer::Result const& result) const;

 private:
  mpi::Comm const& world_;
  run::RunFolder const& folder_;
  store::Provenance origin_;
};

}  // namespace moerae
