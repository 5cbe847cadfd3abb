#include "moerae/store/safetensors_writer.hpp"

#include <fcntl.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "moerae/base/check.hpp"
#include "store/descriptor.hpp"

namespace moerae::store {
namespace {

std::string header_of(std::vector<SafetensorsEntry> const& entries) {
  nlohmann::ordered_json header{{"__metadata__", {{"format", "pt"}}}};
  std::size_t at = 0;
  for (auto const& [name, dtype, shape, bytes] : entries) {
    expect(!header.contains(name), "{}: a tensor twice", name);
    header[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  auto text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

std::string little_endian(std::uint64_t value) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(std::filesystem::path const& path, std::vector<SafetensorsEntry> entries)
    : entries_(std::move(entries)), file_(std::make_unique<Descriptor>(path, O_WRONLY | O_CREAT | O_EXCL)) {
  auto const header = header_of(entries_);
  file_->write(little_endian(header.size()));
  file_->write(header);
}

SafetensorsWriter::~SafetensorsWriter() = default;

void SafetensorsWriter::write(std::string const& name, std::span<std::byte const> bytes) {
  expect(next_ < entries_.size() && entries_[next_].name == name, "{}: not the next tensor", name);
  expect(entries_[next_].bytes == bytes.size(), "{}: {} bytes for {}", name, bytes.size(),
         entries_[next_].bytes);
  file_->write({reinterpret_cast<char const*>(bytes.data()), bytes.size()});
  ++next_;
}

void SafetensorsWriter::close() {
  expect(next_ == entries_.size(), "{} of {} tensors were written", next_, entries_.size());
  file_->close();
}

}  // namespace moerae::store
