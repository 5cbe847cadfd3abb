#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace moerae::store {

// The two hashes of the manifest, as 32 hexadecimal digits; the same as analysis/moerae/files/hashing.py.
// Memory is bounded (16 MiB and one chunk of the dataset). DataError when the file cannot be read.

/// XXH3-128 of the bytes of the file.
[[nodiscard]] std::string file_hash(std::filesystem::path const& path);

/// XXH3-128 over every dataset in ascending order of its full path (without the leading slash), each as
///   path NUL dtype NUL shape NUL values
/// with numpy's dtype (`<u4`), the extents in decimal joined by commas, values in C order and little endian;
/// strings have dtype `str` and each value is UTF-8 + NUL. Attributes, chunking and filters do not count.
[[nodiscard]] std::string content_hash(std::filesystem::path const& path);

/// XXH3-128 of bytes, as 32 hexadecimal digits: what `file_hash` gives for a file of them.
[[nodiscard]] std::string bytes_hash(std::span<std::byte const> bytes);

/// XXH3-64 of a text, as 16 hexadecimal digits.
[[nodiscard]] std::string text_hash(std::string_view text);

}  // namespace moerae::store
