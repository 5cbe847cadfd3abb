#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace moerae::fuzz {

/// A folder in memory where there is one (tmpfs), so that a target reads files at the rate of memory. It is
/// left behind when the process dies; run.sh removes it.
inline std::filesystem::path const& scratch() {
  static auto const path = [] {
    char const* const base = std::getenv("MOERAE_FUZZ_SCRATCH");
    auto name = std::string(base ? base : std::filesystem::temp_directory_path().c_str()) + "/fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return std::filesystem::path(name);
  }();
  return path;
}

inline void put(char const* name, std::string_view bytes) {
  int const file = ::open((scratch() / name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || ::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  ::close(file);
}

inline std::string_view text(std::uint8_t const* data, std::size_t size) {
  return {reinterpret_cast<char const*>(data), size};
}

}  // namespace moerae::fuzz
