#include "moerae/store/publish_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>  // renameat2, which <cstdio> does not promise

#include <cerrno>

#include "moerae/base/check.hpp"
#include "store/descriptor.hpp"

namespace moerae::store {
namespace fs = std::filesystem;
namespace {

void sync(fs::path const& path, int flags) {
  Descriptor opened(path, O_RDONLY | flags);
  opened.sync();
  opened.close();
}

void sync_folder(fs::path const& path) {
  for (auto const& entry : fs::directory_iterator(path))
    if (entry.is_regular_file()) sync(entry.path(), 0);
  sync(path, O_DIRECTORY);
}

void move(fs::path const& from, fs::path const& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_errno(to, "cannot be put in place");
}

// False where the file system cannot.
bool swapped(fs::path const& a, fs::path const& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) throw_errno(b, "cannot be put in place");
  return false;
}

fs::path beside(fs::path const& path, char const* suffix) {
  return path.parent_path() / fmt::format(".{}{}", path.filename().string(), suffix);
}

}  // namespace

void publish_folder(fs::path const& path, std::function<void(fs::path const& temporary)> const& write) {
  auto const parent = path.parent_path(), made = beside(path, ".tmp"), old = beside(path, ".old");
  fs::create_directories(parent);
  if (fs::exists(old) && !fs::exists(path)) move(old, path);
  fs::remove_all(old);
  fs::remove_all(made);
  try {
    write(made);
    sync_folder(made);
  } catch (...) {
    std::error_code ignored;  // the error that led here matters more
    fs::remove_all(made, ignored);
    throw;
  }
  if (!fs::exists(path)) {
    move(made, path);
  } else if (!swapped(made, path)) {
    move(path, old);
    move(made, path);
  }
  sync(parent, O_DIRECTORY);
  fs::remove_all(made);
  fs::remove_all(old);
}

}  // namespace moerae::store
