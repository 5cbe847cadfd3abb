#pragma once

#include <filesystem>
#include <string_view>

namespace moerae::store {

/// Throws Error "path: what: cause (errno)".
[[noreturn]] void throw_errno(std::filesystem::path const& path, char const* what);

/// An owned POSIX file descriptor whose every call is checked (Error with path and cause).
class Descriptor {
 public:
  Descriptor(std::filesystem::path path, int flags);  // mode 0666 less umask
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  ~Descriptor();  // closes unchecked

  void write(std::string_view bytes);  // all of them
  void truncate(std::uint64_t bytes);
  void sync();
  void close();

 private:
  std::filesystem::path path_;
  int fd_;
};

}  // namespace moerae::store
