#pragma once

#include <map>
#include <string>

#include "moerae/model/safetensors.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// What `load_weights` read: the weights, and the hash of every tensor (or rows of one expert) this rank
/// owns; member 0 owns what all hold.
struct LoadedWeights {
  ModelWeights weights;
  std::map<std::string, std::string> hashes;  ///< XXH3-128 over name, dtype, shape and bytes, hexadecimal
  std::int64_t bytes_read = 0;  ///< of tensors; member 0 hashes the output head and does not keep it
};

/// Reads what the rank `member` of an expert group of `width` needs, as `dtype`; MXFP4 experts stay packed.
/// The checkpoint must have passed check_against(plan).
[[nodiscard]] LoadedWeights load_weights(ModelPlan const& plan, Checkpoint const& checkpoint,
                                         torch::Dtype dtype, int member, int width);

/// Bytes `load_weights` would hold for the fullest member, without reading.
[[nodiscard]] std::int64_t resident_bytes(ModelPlan const& plan, std::int64_t element_bytes, int width);

}  // namespace moerae
