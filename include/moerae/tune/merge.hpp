#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "moerae/model/session.hpp"
#include "moerae/store/adapters.hpp"

namespace moerae {

/// Bytes of a file of a checkpoint that are replaced: a tensor, or the part of one expert in it.
struct Patch {
  std::string tensor;  ///< by the names of the plan
  store::ExpertKey expert;
  std::size_t offset = 0;  ///< in the file
  std::vector<std::byte> bytes;
  std::string before, after;  ///< hashes of what was there and of `bytes` (XXH3-64)
};
using Patches = std::map<std::filesystem::path, std::vector<Patch>>;

/// What an adapter changes in the files of a checkpoint: the weights of its experts with what it adds, summed
/// in float32 and rounded once to the dtype of the file, in the layout of the file. Throws ConfigError where
/// experts are packed (MXFP4, block FP8), which would have to be packed anew, and DataError where the adapter
/// is of a model of another shape.
[[nodiscard]] Patches merged_bytes(ModelSource const& model, store::AdapterReader const& adapter);

/// Writes the checkpoint folder `from` to `to`, a folder that is not there: files with patches are copied and
/// patched, other weights linked to (copied, where the file system cannot), all else is copied. Then compares
/// the files: outside of the patches every byte must be as it was. Throws Error.
void write_merged(std::filesystem::path const& from, std::filesystem::path const& to, Patches const& patches);

}  // namespace moerae
