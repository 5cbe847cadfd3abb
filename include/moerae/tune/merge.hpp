#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moerae/tune/merged_parts.hpp"

namespace moerae {

/// A tensor of a merged checkpoint by hashes of its bytes (XXH3-128).
struct TensorProof {
  std::string file, tensor, hash;
  std::string before;  ///< in the checkpoint that it was made of; empty: the same
};

/// What was written.
struct Merged {
  std::vector<MergedPart> parts;
  std::vector<TensorProof> tensors;   ///< every one of the folder
  std::vector<std::string> left_out;  ///< files with other copies of the weights, which are not tuned
};

/// Writes the checkpoint folder `from`, which `model` was opened in, with the adapter merged in to `to`, a
/// folder that is not there: files with changed weights are copied and changed in place, other weights
/// linked to (copied, where the file system cannot), all else is copied, but for weights that are none of the
/// checkpoint (pytorch_model.bin, consolidated.safetensors). Then compares the files: outside of
/// what was changed every byte must be as it was. Throws Error and what merged_parts throws.
[[nodiscard]] Merged write_merged(ModelSource const& model, store::AdapterReader const& adapter,
                                  std::filesystem::path const& from, std::filesystem::path const& to);

}  // namespace moerae
