#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace moerae {

/// One entry of a safetensors header, its types checked, its extent not yet compared with the file.
struct HeaderEntry {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< bytes behind the header
};

/// Reads the header of `file` entry by entry, in the file's order, without a document in memory: at most a
/// small entry is held, whatever the header holds. Strict: an object of entries with dtype, shape and
/// data_offsets and nothing else, `__metadata__` of strings, bounds on every list and string. Two tensors of
/// one name are left to `found`. Throws DataError that names file, tensor and field.
void read_safetensors_header(std::string_view header, std::string const& file,
                             std::function<void(HeaderEntry&&)> const& found);

/// Checks the entries against the `available` bytes behind the header: sizes that follow from dtype and
/// shape, names that differ (by 64-bit hash), extents without hole or overlap that cover all. Holds 24 bytes
/// per tensor, so that a bad header never costs twice its own size. Throws DataError.
void check_safetensors_layout(std::string_view header, std::string const& file, std::uint64_t available);

}  // namespace moerae
