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

/// The same of a file that Python's json writes and reads: NaN, Infinity and -Infinity are there strings of
/// these letters, so that they may stand where nobody reads them and are no number where somebody does.
[[nodiscard]] nlohmann::json parse_python_json(std::string_view text, std::string const& source);

/// The beginning of a text from outside, for a message.
[[nodiscard]] std::string brief(std::string const& text);

/// Throws DataError where a string, a number or a blank is longer than `limit` bytes. The parser keeps
/// several copies of the token it reads, so that one endless token would cost a multiple of its text.
void check_token_lengths(std::string_view text, std::string const& source, std::size_t limit);

/// The bytes of a file of at most `limit` bytes. Throws DataError.
[[nodiscard]] std::string read_small_file(std::filesystem::path const& path, std::size_t limit);

}  // namespace moerae
