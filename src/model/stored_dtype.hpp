#pragma once

#include <torch/types.h>

#include <optional>
#include <string_view>

namespace moerae {

/// torch's dtype of the name that safetensors has for it; none where torch cannot hold it.
[[nodiscard]] std::optional<torch::Dtype> known_dtype(std::string_view name);
/// The same of a name that is known.
[[nodiscard]] torch::Dtype torch_dtype(std::string_view name);

}  // namespace moerae
