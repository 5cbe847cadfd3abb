#pragma once

#include <map>
#include <memory>
#include <string>

#include "moerae/model/placement.hpp"
#include "moerae/model/safetensors.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

class TensorReader;

/// Whether the output head is kept in memory; read and hashed by its owner it is in any case.
enum class Head { drop, keep };

/// Reads the weights of a checkpoint part by part, each when it is asked for: what a walk that holds one
/// layer at a time needs, and what `load_weights` calls for all. Holds no weights itself. Of the experts it
/// reads those of `mine`; those of four bits or FP8 by rows stay packed. Member 0 owns what all members hold.
class WeightReader {
 public:
  /// `plan` and `checkpoint` outlive it; the checkpoint must have passed check_against(plan).
  WeightReader(ModelPlan const& plan, Checkpoint const& checkpoint, Placement place, ExpertShare mine);
  WeightReader(WeightReader const&) = delete;
  WeightReader& operator=(WeightReader const&) = delete;
  ~WeightReader();

  /// Embedding, last norm and, where kept, the head. Throws DataError.
  [[nodiscard]] CommonWeights common(Head head);
  /// Throws DataError.
  [[nodiscard]] LayerWeights layer(LayerId id);

  /// Of every tensor, or rows of one expert, that was read and that this member owns: XXH3-128 over name,
  /// dtype, shape and bytes, hexadecimal.
  [[nodiscard]] std::map<std::string, std::string> const& hashes() const;
  /// By all calls; a part that is asked for again is read again.
  [[nodiscard]] std::int64_t bytes_read() const;

 private:
  ModelPlan const& plan_;
  ExpertShare mine_;
  std::unique_ptr<TensorReader> reader_;
};

}  // namespace moerae
