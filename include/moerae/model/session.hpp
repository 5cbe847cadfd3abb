#pragma once

#include <filesystem>
#include <string>

#include "moerae/model/exchange.hpp"
#include "moerae/model/load_weights.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/safetensors.hpp"
#include "moerae/model/schedule/resident.hpp"
#include "moerae/mpi/grid.hpp"

namespace moerae {

/// A model before a weight is read: the same on every rank and for every grid.
struct ModelSource {
  ModelPlan plan;
  Checkpoint checkpoint;
  std::string dtype;  ///< of the forward pass: float32 | bfloat16
};

/// `asked` (auto | float32 | bfloat16) where `stored` is the dtype of the checkpoint: bfloat16 checkpoints
/// are computed as they are; float16 has no fast path on CPUs and is widened.
[[nodiscard]] std::string resolve_dtype(std::string const& asked, std::string const& stored);

/// Of weights and activations of the forward pass.
[[nodiscard]] torch::Dtype torch_dtype(ModelSource const& source);

/// Reads config.json and the headers of the weights and checks them against each other. Throws DataError.
[[nodiscard]] ModelSource open_model(std::filesystem::path const& folder, std::string const& dtype);

/// A model at work on the ranks of a grid: weights of this rank's experts, its expert group, its threads.
/// What every long stage that computes opens.
class Session {
 public:
  /// Collective over `world`; every rank throws the agreed error. With Head::keep it can predict tokens.
  /// `source` outlives it.
  Session(mpi::Comm const& world, mpi::Grid const& grid, ModelSource const& source, Head head);
  Session(Session const&) = delete;
  Session& operator=(Session const&) = delete;

  [[nodiscard]] ResidentModel model() { return {source_.plan, loaded_.weights, group_.exchange}; }
  /// To be changed by what is put on the model; who does so says it (`rename`).
  [[nodiscard]] ModelWeights& weights() { return loaded_.weights; }
  [[nodiscard]] mpi::GroupStatus& status() { return group_.status; }
  /// Of all weights of the checkpoint, whatever the grid.
  [[nodiscard]] std::string const& checkpoint_hash() const { return checkpoint_hash_; }
  /// The same, or of the model that it was made into.
  [[nodiscard]] std::string const& weights_hash() const { return weights_hash_; }
  void rename(std::string weights_hash) { weights_hash_ = std::move(weights_hash); }
  [[nodiscard]] std::int64_t bytes_read() const { return loaded_.bytes_read; }
  [[nodiscard]] static int threads();

 private:
  ModelSource const& source_;
  LoadedWeights loaded_;
  std::string checkpoint_hash_, weights_hash_;
  ExpertGroup group_;
};

}  // namespace moerae
