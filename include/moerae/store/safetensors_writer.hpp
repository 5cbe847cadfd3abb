#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace moerae::store {

class Descriptor;

/// A tensor of a file to be written.
struct SafetensorsEntry {
  std::string name, dtype;          ///< dtype as the format spells it: F32, BF16, ...
  std::vector<std::int64_t> shape;  ///< row-major
  std::size_t bytes = 0;
};

/// A safetensors file, written tensor by tensor, so that one of them is in memory at a time. The header comes
/// first and is padded so that the data begin at a multiple of 8 bytes; its metadata say {"format": "pt"}, as
/// torch and its relatives ask for.
class SafetensorsWriter {
 public:
  /// A new file. Throws Error where it cannot be made; expects names that occur once.
  SafetensorsWriter(std::filesystem::path const& path, std::vector<SafetensorsEntry> entries);
  SafetensorsWriter(SafetensorsWriter const&) = delete;
  SafetensorsWriter& operator=(SafetensorsWriter const&) = delete;
  ~SafetensorsWriter();  ///< closes unchecked

  /// All bytes of the next tensor, in the order of the entries, little endian. Throws Error (disk full).
  void write(std::string const& name, std::span<std::byte const> bytes);
  /// Expects that every tensor was written. Throws Error.
  void close();

 private:
  std::vector<SafetensorsEntry> entries_;
  std::size_t next_ = 0;
  std::unique_ptr<Descriptor> file_;
};

}  // namespace moerae::store
