#include "moerae/store/publish.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "moerae/base/check.hpp"
#include "store/descriptor.hpp"

namespace moerae::store {

namespace {

/// Removes the temporary unless it was renamed.
struct Temporary {
  std::filesystem::path path;
  bool renamed = false;
  explicit Temporary(std::filesystem::path p) : path(std::move(p)) {}
  Temporary(Temporary const&) = delete;
  Temporary& operator=(Temporary const&) = delete;
  ~Temporary() {
    std::error_code ignored;  // the error that led here matters more
    if (!renamed) std::filesystem::remove(path, ignored);
  }
};

}  // namespace

void publish(std::filesystem::path const& path,
             std::function<void(std::filesystem::path const& temporary)> const& write) {
  auto const folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  validate<Error>(!error, "{}: folder cannot be made: {}; nothing was written", folder.string(),
                  error.message());
  Temporary temporary(folder / fmt::format(".{}.{}.tmp", path.filename().string(), getpid()));
  std::filesystem::remove(temporary.path, error);  // of a killed process that had this id
  write(temporary.path);
  Descriptor file(temporary.path, O_RDWR);
  file.sync();
  file.close();
  if (std::rename(temporary.path.c_str(), path.c_str()) != 0) throw_errno(path, "cannot be put in place");
  temporary.renamed = true;
  Descriptor directory(folder, O_RDONLY | O_DIRECTORY);
  directory.sync();
  directory.close();
}

void write_text(std::filesystem::path const& path, std::string_view text) {
  publish(path, [&](std::filesystem::path const& temporary) {
    Descriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL);
    file.write(text);
    file.close();
  });
}

std::string read_text(std::filesystem::path const& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 1 << 16> buffer{};
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(file.gcount()));
  }
  // a clean end sets eof; a folder or a bad disk sets bad
  validate<DataError>(file.is_open() && file.eof() && !file.bad(),
                      "{}: cannot be read: {}; check the path and its rights", path.string(),
                      std::strerror(errno));
  return text;
}

bool is_temporary(std::filesystem::path const& path) {
  auto const name = path.filename().string();
  if (!name.starts_with('.') || !name.ends_with(".tmp")) return false;
  auto const stem = name.substr(1, name.size() - 5);
  auto const dot = stem.rfind('.');
  return dot != std::string::npos && dot > 0 && dot + 1 < stem.size() &&
         stem.find_first_not_of("0123456789", dot + 1) == std::string::npos;
}

std::vector<std::filesystem::path> remove_stale_temporaries(std::filesystem::path const& folder,
                                                            Depth depth) {
  std::vector<std::filesystem::path> removed;
  if (!std::filesystem::is_directory(folder)) return removed;
  std::filesystem::recursive_directory_iterator files(folder);
  for (auto file = begin(files); file != end(files); ++file) {
    if (depth == Depth::folder) file.disable_recursion_pending();
    if (file->is_regular_file() && is_temporary(file->path())) removed.push_back(file->path());
  }
  std::sort(removed.begin(), removed.end());
  for (auto const& path : removed) {
    std::error_code error;
    std::filesystem::remove(path, error);
    validate<Error>(!error, "{}: left by a killed process, cannot be removed: {}", path.string(),
                    error.message());
  }
  return removed;
}

}  // namespace moerae::store
