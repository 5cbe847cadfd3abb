#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace moerae {

/// Parses JSON that comes from outside: UTF-8, no duplicate keys, at most `depth` levels, an object at the
/// top. Throws DataError that names `source` and the byte.
[[nodiscard]] nlohmann::json parse_strict_json(std::string_view text, std::string const& source,
                                               int depth = 16);

/// The bytes of a file of at most `limit` bytes. Throws DataError.
[[nodiscard]] std::string read_small_file(std::filesystem::path const& path, std::size_t limit);

}  // namespace moerae
