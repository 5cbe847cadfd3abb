#include "store/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "moerae/base/check.hpp"

namespace moerae::store {

void throw_errno(std::filesystem::path const& path, char const* what) {
  auto const cause = errno;
  throw Error(fmt::format("{}: {}: {} (errno {}); earlier results are as they were", path.string(), what,
                          std::strerror(cause), cause));
}

Descriptor::Descriptor(std::filesystem::path path, int flags)
    : path_(std::move(path)), fd_(::open(path_.c_str(), flags | O_CLOEXEC, 0666)) {
  if (fd_ < 0) throw_errno(path_, "cannot be opened");
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

void Descriptor::write(std::string_view bytes) {
  while (!bytes.empty()) {
    auto const written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_errno(path_, "cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Descriptor::truncate(std::uint64_t bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0)
    throw_errno(path_, "cannot be cut to its complete lines");
}

void Descriptor::sync() {
  while (::fsync(fd_) != 0) {
    if (errno != EINTR) throw_errno(path_, "cannot be brought to disk");
  }
}

void Descriptor::close() {
  // EINTR included: Linux has released the descriptor, a second close could hit another file
  if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) throw_errno(path_, "cannot be closed");
}

}  // namespace moerae::store
