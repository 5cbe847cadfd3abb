#pragma once

#include <filesystem>
#include <vector>

#include "moerae/tune/merged_parts.hpp"

namespace moerae {

inline constexpr char const *delta_tensors = "expert_delta.safetensors",
                            *delta_description = "expert_delta.json";

/// Writes what an adapter changes in a checkpoint to the folder `to`, which is not there:
/// expert_delta.safetensors, the new values of the changed tensors, of experts that lie in one tensor their
/// parts, each by its name and index; and expert_delta.json, which says where each belongs, with hashes
/// before and after, and whose first keys are those of ESFT: {"experts": {"<layer>": [ids]},
/// "shared_experts": false, "non_expert_modules": false}. Throws Error and what merged_parts throws.
std::vector<MergedPart> write_delta(ModelSource const& model, store::AdapterReader const& adapter,
                                    std::filesystem::path const& to);

}  // namespace moerae
