#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace moerae {

/// The tokens that end a reply: eos_token_id of generation_config.json (one or a list, as `generate` of
/// transformers takes them), else of config.json. Empty where neither names one. Throws DataError.
[[nodiscard]] std::vector<std::uint32_t> stop_ids(std::filesystem::path const& folder);

}  // namespace moerae
