#pragma once

#include <map>
#include <string>

#include "moerae/model/weight_reader.hpp"

namespace moerae {

/// What `load_weights` read, with hashes and bytes as WeightReader gives them.
struct LoadedWeights {
  ModelWeights weights;
  std::map<std::string, std::string> hashes;
  std::int64_t bytes_read = 0;
};

/// Reads what one member of an expert group needs of the whole model, each byte once, and all that it owns.
/// The checkpoint must have passed check_against(plan). Throws DataError.
[[nodiscard]] LoadedWeights load_weights(ModelPlan const& plan, Checkpoint const& checkpoint, Placement place,
                                         ExpertShare mine, Head head = Head::drop);

/// Bytes `load_weights` would hold for the fullest member, without reading; without the head.
[[nodiscard]] std::int64_t resident_bytes(ModelPlan const& plan, std::int64_t element_bytes, int width);

}  // namespace moerae
